import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { MemoryBackend, type CheckpointBackend, openStore, type StoreOptions } from '../../src/index.ts'
import { codeOf, flipBit, keysOf, storeOn, tamper, temporaryFolder } from '../stores.ts'

const files = { a: Buffer.from('some bytes') }
const leftover = 'data/9-1-0123456789abcdef/half.pth'

/** Runs one save as a process of a job does: opens the store, saves and closes. */
async function saveIn(job: string, backend: CheckpointBackend, step: number, options: StoreOptions = {}) {
  const store = storeOn(backend, { job, ...options })
  const saved = await store.save({ step, files })
  await store.flush()
  return { store, saved }
}

/** A save that waits for the rest of its stream, and the function that ends the stream. */
function slowSave(store: ReturnType<typeof storeOn>, step: number) {
  const rest = Promise.withResolvers<undefined>()
  const began = Promise.withResolvers<undefined>()
  async function* stream(): AsyncGenerator<Uint8Array> {
    yield Buffer.from('first')
    began.resolve(undefined)
    await rest.promise
    yield Buffer.from('last')
  }
  const saved = store.save({ step, files: { 'slow.bin': stream() } })
  saved.catch(() => undefined) // awaited later
  return {
    saved,
    began: began.promise,
    end: (): void => {
      rest.resolve(undefined)
    },
  }
}

describe('a job', () => {
  test('owns the store from one process to the next, and fences shared writers in between', async () => {
    const backend = new MemoryBackend()
    const { store } = await saveIn('pose', backend, 1)
    await store.close()
    const shared = storeOn(backend, { mode: 'shared' })
    await expect(shared.save({ step: 2, files })).rejects.toMatchObject({
      code: 'FENCED',
      message: expect.stringContaining('the job "pose" (') as string,
      hint: { kind: 'take-over', job: 'pose' },
    })
    await saveIn('pose', backend, 2)
    expect((await shared.list()).map(({ step }) => step)).toEqual([1, 2])
  })

  test('refuses the save of another writer before it reads a byte', async () => {
    const backend = new MemoryBackend()
    await saveIn('pose', backend, 1)
    const before = await keysOf(backend, '')
    let isRead = false
    async function* stream(): AsyncGenerator<Uint8Array> {
      isRead = true
      yield Buffer.from('bytes')
    }
    const shared = storeOn(backend, { mode: 'shared' })
    const saved = shared.save({ step: 2, files: { 'w.bin': stream() } })
    await expect(saved).rejects.toMatchObject({
      code: 'FENCED',
      reason: expect.stringMatching(/^Nothing was changed\. The store belongs to /) as string,
    })
    expect([isRead, await keysOf(backend, '')]).toEqual([false, before])
  })

  test('sweeps what its killed process left with its next save', async () => {
    const backend = new MemoryBackend()
    await saveIn('pose', backend, 1)
    await backend.put(leftover, Buffer.from('half'))
    await saveIn('pose', backend, 2)
    expect(await keysOf(backend, 'data/9-')).toEqual([])
  })

  test('sweeps what its killed process left with a sweep', async () => {
    const backend = new MemoryBackend()
    await saveIn('pose', backend, 1)
    await backend.put(leftover, Buffer.from('half'))
    const report = await storeOn(backend, { job: 'pose' }).sweep()
    expect(report).toMatchObject({ attempts: 1, bytes: expect.any(Number) as number })
    expect(await keysOf(backend, 'data/9-')).toEqual([])
  })

  test('ends an earlier save that still runs, and every later save of that process', async () => {
    const backend = new MemoryBackend()
    const earlier = storeOn(backend, { job: 'pose' })
    const slow = slowSave(earlier, 1)
    await slow.began
    await saveIn('pose', backend, 2)
    slow.end()
    await expect(slow.saved).rejects.toMatchObject({ code: 'FENCED' })
    await expect(earlier.save({ step: 3, files })).rejects.toMatchObject({
      code: 'FENCED',
      message: expect.stringContaining('began a later save of the job "pose"') as string,
    })
    expect((await earlier.list()).map(({ step }) => step)).toEqual([2])
  })

  test('changes metrics, pins and checkpoints during one of its saves without ending it', async () => {
    const backend = new MemoryBackend()
    await saveIn('pose', backend, 0)
    await saveIn('pose', backend, 1)
    const slow = slowSave(storeOn(backend, { job: 'pose' }), 2)
    await slow.began
    const other = storeOn(backend, { job: 'pose' })
    await other.attach(1, { loss: 0.5 })
    await other.pin(1, 'good')
    await other.unpin(1)
    await other.delete([0])
    await other.close()
    slow.end()
    expect(await slow.saved).toMatchObject({ step: 2 })
    expect((await other.list()).map(({ step, metrics }) => [step, metrics])).toEqual([
      [1, { loss: 0.5 }],
      [2, {}],
    ])
  })

  test('quarantines a corrupt checkpoint in a restore without taking over', async () => {
    const backend = new MemoryBackend()
    await saveIn('pose', backend, 1)
    await saveIn('pose', backend, 2)
    const [damaged = ''] = await keysOf(backend, 'data/2-')
    await tamper(backend, damaged, flipBit)
    const slow = slowSave(storeOn(backend, { job: 'pose' }), 3)
    await slow.began
    const store = storeOn(backend, { job: 'pose' })
    const restored = await store.restore('latest', { to: await temporaryFolder(), fallback: true })
    expect(restored?.passedOver).toMatchObject([{ step: 2, quarantined: { kind: 'recorded' } }])
    slow.end()
    expect(await slow.saved).toMatchObject({ step: 3 })
  })

  test.each<[string, StoreOptions]>([
    ['an exclusive writer', { mode: 'exclusive' }],
    ['another job', { job: 'other' }],
  ])('does not take the store over from %s, unless it may', async (_, options) => {
    const backend = new MemoryBackend()
    const owner = storeOn(backend, options)
    await owner.save({ step: 1, files })
    for (const change of [
      (store: typeof owner) => store.save({ step: 2, files }),
      (store: typeof owner) => store.pin(1),
      (store: typeof owner) => store.sweep(),
    ])
      expect(await codeOf(change(storeOn(backend, { job: 'pose' })))).toBe('FENCED')
    await owner.save({ step: 2, files })
    await saveIn('pose', backend, 3, { takeOver: true })
    expect(await codeOf(owner.save({ step: 4, files }))).toBe('FENCED')
    await saveIn('pose', backend, 4)
  })

  test('takes the store over once its exclusive writer has released it', async () => {
    const backend = new MemoryBackend()
    const owner = storeOn(backend)
    await owner.save({ step: 1, files })
    await owner.close()
    const { store } = await saveIn('pose', backend, 2)
    expect((await store.list()).map(({ step }) => step)).toEqual([1, 2])
  })

  test.each<[string, StoreOptions]>([
    ['an empty name', { job: '' }],
    ['a name of 201 characters', { job: 'x'.repeat(201) }],
    ['half a character', { job: '\ud800' }],
    ['shared mode', { job: 'pose', mode: 'shared' }],
  ])('is refused with %s', (_, options) => {
    expect(() => storeOn(new MemoryBackend(), options)).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error,
    )
  })
})

describe('HOLDFAST_JOB', () => {
  async function ownerWith(options: StoreOptions, variable = 'of-environment') {
    vi.stubEnv('HOLDFAST_JOB', variable)
    onTestFinished(() => {
      vi.unstubAllEnvs()
    })
    await using store = await openStore('mem:', { config: false, ...options })
    await store.save({ step: 1, files })
    const catalog = (await keysOf(store.backend, 'catalog/')).at(-1) ?? ''
    const { body } = await store.backend.read(catalog)
    const { owner } = (
      JSON.parse(Buffer.concat(await Array.fromAsync(body)).toString()) as { catalog: { owner: unknown } }
    ).catalog
    return owner
  }

  test('names the job of a store that is opened without a mode', async () => {
    expect(await ownerWith({})).toMatchObject({ job: 'of-environment' })
    expect(await ownerWith({ job: 'of-option' })).toMatchObject({ job: 'of-option' })
  })

  test('is ignored if a mode is given, or if it is empty', async () => {
    expect(await ownerWith({ mode: 'shared' })).toBeNull()
    expect(await ownerWith({ mode: 'exclusive' })).not.toHaveProperty('job')
    expect(await ownerWith({}, '')).not.toHaveProperty('job')
  })
})
