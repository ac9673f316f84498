import { randomBytes } from 'node:crypto'
import { CheckpointStore } from '@holdfast/core'
import { startProxy } from '@holdfast/emulators/proxy'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openBackendAt } from './support/open-at.ts'
import { type KindOfStore, kindsOfStore, type Place } from './support/kinds-of-store.ts'

/** One server of each kind is enough, since the client decides. */
const onNetwork = (await kindsOfStore()).filter(({ name }) => /emulator|Azurite/.test(name))

const frozenBytes = 9 * 2 ** 20
const smallBytes = 2 * 2 ** 20
const headBytes = 100_000

interface Counted {
  readonly store: CheckpointStore
  /** Returns the bytes that were sent since the last call. */
  readonly sent: () => number
}

async function openCounted(kind: KindOfStore, place: Place = kind.place()): Promise<Counted> {
  const proxy = await startProxy({ target: kind.endpoint ?? '' })
  const store = new CheckpointStore(await openBackendAt(kind, kind.through(place, proxy.url)))
  onTestFinished(async () => {
    await store.close()
    await proxy[Symbol.asyncDispose]()
  })
  let before = 0
  const sent = (): number => {
    const total = [...proxy.requests].reduce((sum, { requestBytes }) => sum + requestBytes, 0)
    const since = total - before
    before = total
    return since
  }
  return { store, sent }
}

describe.each(onNetwork)('unchanged files on $name', (kind) => {
  const copies = !kind.name.includes('Azurite')

  test.skipIf(!copies)('are copied by the service, and every checkpoint keeps its own object', async () => {
    const { store, sent } = await openCounted(kind)
    const frozen = { 'backbone.bin': randomBytes(frozenBytes), 'embedding.bin': randomBytes(smallBytes) }
    const filesOf = () => ({ ...frozen, 'head.bin': randomBytes(headBytes) })
    await store.save({ step: 1, files: filesOf() })
    expect(sent()).toBeGreaterThan(frozenBytes + smallBytes)
    for (const step of [2, 3]) {
      const saved = await store.save({ step, files: filesOf() })
      expect(saved.unchangedBytes).toBe(frozenBytes + smallBytes)
      expect(sent()).toBeLessThan(headBytes + 20_000)
    }
    await store.delete([1, 2])
    await store.flush()
    expect((await store.verify()).good).toBe(true)
    expect((await store.verify({ quick: true })).good).toBe(true)
  })

  test('are sent if their bytes differ anywhere, or with the option never', async () => {
    const { store, sent } = await openCounted(kind)
    const backbone = randomBytes(frozenBytes)
    await store.save({ step: 1, files: { 'backbone.bin': backbone } })
    sent()
    for (const [index, at] of [0, frozenBytes >> 1, frozenBytes - 1].entries()) {
      const other = Uint8Array.from(backbone)
      other[at] = (other[at] ?? 0) ^ 1
      const { unchangedBytes, files } = await store.save({
        step: 2 + index,
        files: { 'backbone.bin': other },
      })
      expect(unchangedBytes).toBe(0)
      expect(sent()).toBeGreaterThan(frozenBytes)
      expect(files[0]?.sha256).toBe((await store.get(2 + index))?.files[0]?.sha256)
      backbone.set(other)
    }
    await store.save({ step: 9, files: { 'backbone.bin': backbone, a: randomBytes(1) }, unchanged: 'never' })
    expect(sent()).toBeGreaterThan(frozenBytes)
    expect((await store.verify()).good).toBe(true)
  })

  test.skipIf(!copies)('are sent if the object in the store is missing', async () => {
    const place = kind.place()
    const { store } = await openCounted(kind, place)
    const backbone = randomBytes(smallBytes)
    const { files } = await store.save({ step: 1, files: { 'backbone.bin': backbone } })
    const backend = await openBackendAt(kind, place)
    await backend.delete(files.map(({ key }) => key))
    await backend.close()
    const { unchangedBytes } = await store.save({
      step: 2,
      files: { 'backbone.bin': backbone, a: randomBytes(1) },
    })
    expect(unchangedBytes).toBe(0)
    expect((await store.verify({ steps: [2] })).good).toBe(true)
  })
})
