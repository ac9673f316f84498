import { describe, expect, test } from 'vitest'
import { MemoryBackend } from '../../src/index.ts'
import { codeOf, keysOf, storeOn, tamper, temporaryFolder } from '../stores.ts'

const files = { a: Buffer.from('a'), b: Buffer.from('b') }
const others = { a: Buffer.from('a'), b: Buffer.from('c') }

async function* streamOf(text: string): AsyncGenerator<Uint8Array> {
  await Promise.resolve()
  yield Buffer.from(text)
}

describe('a save of the same step with the same bytes', () => {
  test('succeeds, stores no file and commits nothing', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend, { mode: 'shared' })
    expect((await store.save({ step: 1, files, metrics: { loss: 2 } })).alreadySaved).toBe(false)
    const before = await keysOf(backend)
    const again = await store.save({ step: 1, files, metrics: { loss: 2 } })
    expect(again).toMatchObject({ alreadySaved: true, step: 1, isLatest: true, metrics: { loss: 2 } })
    expect(await keysOf(backend)).toEqual(before)
    expect((await store.save({ step: 1, files, onExisting: 'replace' })).alreadySaved).toBe(true)
    expect(await keysOf(backend)).toEqual(before)
  })

  test.each(['fail', 'replace'] as const)('adds new metrics (onExisting: %s)', async (onExisting) => {
    const store = storeOn(new MemoryBackend(), { mode: 'shared' })
    await store.save({ step: 1, files, metrics: { loss: 2, acc: 1 } })
    const again = await store.save({ step: 1, files, onExisting, metrics: { loss: 3, f1: NaN } })
    expect(again.alreadySaved).toBe(true)
    expect((await store.get(1))?.metrics).toEqual({ loss: 3, acc: 1, f1: NaN })
    expect((await store.metrics())[0]?.metrics).toEqual({ loss: 3, acc: 1, f1: NaN })
  })

  test('compares a stream, too', async () => {
    const store = storeOn(new MemoryBackend(), { mode: 'shared' })
    await store.save({ step: 1, files: { a: streamOf('same') } })
    expect((await store.save({ step: 1, files: { a: streamOf('same') } })).alreadySaved).toBe(true)
    expect(await codeOf(store.save({ step: 1, files: { a: streamOf('else') } }))).toBe('ALREADY_EXISTS')
  })

  test('succeeds if another process saves them at the same time', async () => {
    const backend = new MemoryBackend()
    await storeOn(backend, { mode: 'shared' }).save({ step: 0, files })
    const results = await Promise.all(
      [1, 2, 3].map(() => storeOn(backend, { mode: 'shared' }).save({ step: 1, files })),
    )
    expect(results.filter(({ alreadySaved }) => alreadySaved)).toHaveLength(2)
  })

  test('is rejected if its bytes, names, tags, metadata or position in the data differ', async () => {
    const store = storeOn(new MemoryBackend(), { mode: 'shared' })
    await store.save({ step: 1, files, tags: ['x'], metadata: { n: 1 }, dataState: { at: 5 }, epoch: 1 })
    const given = { step: 1, files, tags: ['x'], metadata: { n: 1 }, dataState: { at: 5 }, epoch: 1 }
    expect((await store.save(given)).alreadySaved).toBe(true)
    for (const edit of [
      { files: others },
      { files: { a: files.a } },
      { files: { a: files.a, c: files.b } },
      { tags: ['y'] },
      { metadata: { n: 2 } },
      { dataState: { at: 6 } },
      { epoch: 2 },
    ])
      expect(await codeOf(store.save({ ...given, ...edit })), JSON.stringify(edit)).toBe('ALREADY_EXISTS')
  })

  test('replaces a checkpoint whose manifest is corrupt', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend, { mode: 'shared' })
    await store.save({ step: 1, files })
    const key = (await keysOf(backend, 'data/')).find((each) => each.endsWith('manifest.json')) ?? ''
    await tamper(backend, key, () => Buffer.from('x'))
    expect((await store.save({ step: 1, files, onExisting: 'replace' })).alreadySaved).toBe(false)
    expect((await store.verify()).good).toBe(true)
  })
})

describe('after a run went back, a save of the same bytes', () => {
  test('becomes the latest if a lower step was saved since', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend, { mode: 'shared' })
    for (const step of [40, 48, 8, 16]) await store.save({ step, files })
    const saved = await storeOn(backend, { mode: 'shared' }).save({ step: 40, files })
    expect(saved).toMatchObject({ alreadySaved: true, isLatest: true })
    expect((await storeOn(backend).latest())?.step).toBe(40)
  })

  test('becomes the latest if this process restored a lower step', async () => {
    const backend = new MemoryBackend()
    const first = storeOn(backend, { mode: 'shared' })
    for (const step of [8, 16, 24]) await first.save({ step, files })
    const second = storeOn(backend, { mode: 'shared' })
    await second.restore(8, { to: await temporaryFolder() })
    await second.save({ step: 16, files })
    expect((await second.latest())?.step).toBe(16)
  })

  test('keeps its place if it is only repeated, or adopted', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend, { mode: 'shared' })
    for (const step of [40, 48, 8, 16]) await store.save({ step, files })
    await store.save({ step: 40, files, keepsOrder: true })
    expect((await store.latest())?.step).toBe(16)
    await storeOn(backend, { mode: 'shared' }).save({ step: 8, files })
    expect((await store.latest())?.step).toBe(16)
  })
})

describe('a replacement', () => {
  test('keeps the metrics of the step unless it brings new ones', async () => {
    const store = storeOn(new MemoryBackend(), { mode: 'shared' })
    await store.save({ step: 1, files, metrics: { loss: 2 } })
    await store.save({ step: 1, files: others, onExisting: 'replace' })
    expect((await store.get(1))?.metrics).toEqual({ loss: 2 })
    expect((await store.metrics())[0]?.metrics).toEqual({ loss: 2 })
    await store.save({ step: 1, files, onExisting: 'replace', metrics: { acc: 1 } })
    expect((await store.get(1))?.metrics).toEqual({ acc: 1 })
  })

  test.each([true, false])(
    'is rejected if the step was saved since it began (it existed: %s)',
    async (existed) => {
      const backend = new MemoryBackend()
      const store = storeOn(backend, { mode: 'shared' })
      await store.save({ step: existed ? 1 : 0, files })
      const slow = (async function* () {
        await storeOn(backend, { mode: 'shared' }).save({ step: 1, files: others, onExisting: 'replace' })
        yield Buffer.from('slow')
      })()
      await expect(store.save({ step: 1, files: { a: slow }, onExisting: 'replace' })).rejects.toMatchObject({
        code: 'ALREADY_EXISTS',
        hint: { kind: 'save-together' },
      })
      expect((await store.get(1))?.files.map(({ size }) => size)).toEqual([1, 1])
      expect((await store.verify()).good).toBe(true)
    },
  )

  test('is rejected if the step was saved since its program started', async () => {
    const store = storeOn(new MemoryBackend(), { mode: 'shared' })
    const startedAt = new Date(Date.now() - 1000)
    await store.save({ step: 1, files })
    const replace = { step: 1, files: others, onExisting: 'replace' } as const
    expect(await codeOf(store.save({ ...replace, startedAt }))).toBe('ALREADY_EXISTS')
    expect((await store.save({ ...replace, startedAt: new Date(Date.now() + 60_000) })).step).toBe(1)
  })
})

describe('a fallback', () => {
  test('follows the line of the run before the order of saves', async () => {
    const backend = new MemoryBackend()
    const first = storeOn(backend, { mode: 'shared' })
    for (const step of [8, 16]) await first.save({ step, files })
    const other = storeOn(backend, { mode: 'shared' })
    await other.save({ step: 100, files })
    await first.save({ step: 24, files })
    const key = (await first.get(24))?.files[0]?.key ?? ''
    await tamper(backend, key, () => Buffer.from('x'))
    const restored = await storeOn(backend, { mode: 'shared' }).restore('latest', {
      to: await temporaryFolder(),
      fallback: true,
    })
    expect(restored?.step).toBe(16)
  })

  test('rejects with the names of abandoned checkpoints if only those are left', async () => {
    const backend = new MemoryBackend()
    const store = storeOn(backend, { mode: 'shared' })
    for (const step of [8, 16, 24]) await store.save({ step, files })
    await store.rewind(8)
    const key = (await store.get(8))?.files[0]?.key ?? ''
    await tamper(backend, key, () => Buffer.from('x'))
    const to = await temporaryFolder()
    await expect(store.restore('latest', { to, fallback: true })).rejects.toMatchObject({ code: 'CORRUPT' })
    await expect(storeOn(backend).restore('latest', { to, fallback: true })).rejects.toThrow(/16, 24/)
  })
})
