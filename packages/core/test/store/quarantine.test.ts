import { describe, expect, test } from 'vitest'
import { type CheckpointBackend, type CheckpointStore, MemoryBackend } from '../../src/index.ts'
import { flipBit, keysOf, storeOn, tamper, temporaryFolder } from '../stores.ts'

const files = { a: Buffer.from('some bytes'), b: Buffer.from('other bytes') }

/** Flips a bit in the first reads of each key. */
class FlippingBackend extends MemoryBackend {
  flip: (key: string) => boolean = () => false

  override async read(...parameters: Parameters<MemoryBackend['read']>) {
    const { stat, body } = await super.read(...parameters)
    if (!this.flip(parameters[0])) return { stat, body }
    return {
      stat,
      body: body.pipeThrough(
        new TransformStream<Uint8Array, Uint8Array>({
          transform(chunk, controller) {
            controller.enqueue(flipBit(chunk))
          },
        }),
      ),
    }
  }
}

async function saved(backend: MemoryBackend): Promise<void> {
  const store = storeOn(backend, { mode: 'shared' })
  for (const step of [1, 2, 3]) await store.save({ step, files })
}

async function steps(store: CheckpointStore): Promise<readonly number[]> {
  return (await store.list()).map(({ step }) => step)
}

/** Creates a store whose step 3 is quarantined although its bytes are good again. */
async function wronglyQuarantined(backend: CheckpointBackend): Promise<void> {
  const store = storeOn(backend, { mode: 'shared' })
  const key = (await store.get(3))?.files[0]?.key ?? ''
  await tamper(backend, key, flipBit)
  await store.restore('latest', { to: await temporaryFolder(), fallback: true })
  expect((await store.quarantined()).map(({ step }) => step)).toEqual([3])
  await tamper(backend, key, flipBit)
}

describe('bits that flip during a read', () => {
  test.each(['catalog/', 'data/3-', 'holdfast.json'])(
    'once in each read of %s quarantine nothing',
    async (prefix) => {
      const backend = new FlippingBackend()
      await saved(backend)
      const flipped = new Set<string>()
      backend.flip = (key) => {
        if (!key.startsWith(prefix) || flipped.has(key)) return false
        flipped.add(key)
        return true
      }
      const store = storeOn(backend, { mode: 'shared' })
      expect(await store.restore('latest', { to: await temporaryFolder(), fallback: true })).toMatchObject({
        step: 3,
        passedOver: [],
        damagedCatalogs: [],
      })
      flipped.clear()
      expect((await storeOn(backend, { mode: 'shared' }).verify()).good).toBe(true)
      flipped.clear()
      expect(await storeOn(backend, { mode: 'shared' }).repair()).toMatchObject({ version: undefined })
      expect(await steps(store)).toEqual([1, 2, 3])
    },
  )

  test('count as damage if every read has them', async () => {
    const backend = new FlippingBackend()
    await saved(backend)
    backend.flip = (key) => key.startsWith('data/3-')
    const store = storeOn(backend, { mode: 'shared' })
    const restored = await store.restore('latest', { to: await temporaryFolder(), fallback: true })
    expect(restored).toMatchObject({ step: 2, passedOver: [{ step: 3, quarantined: { kind: 'recorded' } }] })
  })
})

describe('a quarantined checkpoint that verifies', () => {
  test.each(['shared', 'exclusive'] as const)('is listed again by verify in %s mode', async (mode) => {
    const backend = new MemoryBackend()
    await saved(backend)
    await wronglyQuarantined(backend)
    const store = storeOn(backend, { mode })
    expect(await store.verify()).toMatchObject({ good: true, released: [3], releasable: [] })
    expect(await steps(store)).toEqual([1, 2, 3])
    expect(await store.quarantined()).toEqual([])
    expect((await store.verify()).released).toEqual([])
  })

  test('is listed again by repair', async () => {
    const backend = new MemoryBackend()
    await saved(backend)
    await wronglyQuarantined(backend)
    const store = storeOn(backend, { mode: 'shared' })
    expect(await store.repair()).toMatchObject({ released: [3] })
    expect(await steps(store)).toEqual([1, 2, 3])
  })

  test('is reported by verify if another writer owns the store, and that writer is not fenced', async () => {
    const backend = new MemoryBackend()
    await saved(backend)
    await wronglyQuarantined(backend)
    const owner = storeOn(backend)
    await owner.save({ step: 4, files })
    expect(await storeOn(backend, { mode: 'shared' }).verify()).toMatchObject({
      good: true,
      released: [],
      releasable: [
        { step: 3, reason: expect.stringContaining('belongs to') as string, hint: { kind: 'take-over' } },
      ],
    })
    await owner.save({ step: 5, files })
    expect((await owner.verify({ steps: [3] })).released).toEqual([3])
    expect(await steps(owner)).toEqual([1, 2, 3, 4, 5])
  })

  test('stays quarantined if its step was saved again, and in a quick verification or one of other steps', async () => {
    const backend = new MemoryBackend()
    await saved(backend)
    await wronglyQuarantined(backend)
    const store = storeOn(backend, { mode: 'shared' })
    const before = await keysOf(backend)
    expect((await store.verify({ quick: true })).released).toEqual([])
    expect((await store.verify({ steps: [2] })).released).toEqual([])
    expect(await keysOf(backend)).toEqual(before)
    await store.save({ step: 3, files })
    expect((await store.verify()).released).toEqual([])
    expect((await store.quarantined()).map(({ step }) => step)).toEqual([3])
  })
})

test('keeps a corrupt checkpoint quarantined, and reports it if its step is named', async () => {
  const backend = new MemoryBackend()
  await saved(backend)
  const store = storeOn(backend, { mode: 'shared' })
  await tamper(backend, (await store.get(3))?.files[0]?.key ?? '', flipBit)
  await store.restore('latest', { to: await temporaryFolder(), fallback: true })
  expect(await store.verify()).toMatchObject({ good: true, released: [], releasable: [] })
  expect(await store.verify({ steps: [3] })).toMatchObject({ good: false, checkpoints: [{ step: 3 }] })
  expect((await store.quarantined()).map(({ step }) => step)).toEqual([3])
})
