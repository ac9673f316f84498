import { describe, expect, test } from 'vitest'
import { HoldfastError, type JsonValue, MemoryBackend } from '../../src/index.ts'
import { sha256Hex } from '../../src/backend.ts'
import { parseStoredJson } from '../../src/input/json.ts'
import { codeOf, foldingEarly, storeOn, temporaryFolder } from '../stores.ts'
import { type Edits, newestCatalogKey, readText, resealCatalog, resealManifest, to } from './reseal.ts'

/** Three steps with two files each. The metrics of the first are in pages. */
async function savedStore(): Promise<MemoryBackend> {
  const backend = new MemoryBackend()
  const store = storeOn(backend, { mode: 'shared' }, foldingEarly)
  for (const step of [1, 2, 3, 4, 5]) {
    await store.save({
      step,
      epoch: 1,
      metrics: { loss: step },
      files: { a: Buffer.from(`a of ${step}`), b: Buffer.from(`b of ${step}`) },
    })
  }
  await store.attach(1, { late: 1 }) // retires pages
  return backend
}

/** Returns the problems that verify reports. */
async function found(backend: MemoryBackend): Promise<string> {
  try {
    const { checkpoints, problems } = await storeOn(backend, { mode: 'shared' }).verify()
    return [...problems, ...checkpoints.flatMap((checkpoint) => checkpoint.problems)].join('; ')
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'CORRUPT') return error.message
    throw error
  }
}

const beyondRange = parseStoredJson('1e999') as JsonValue
const id = '4f7f3a52-3b1c-4c1e-9b1a-0123456789ab'
const page = `1-${'a'.repeat(16)}`
const retiredPages = (count: number): JsonValue =>
  Array.from({ length: count }, (_, index) => ({ page: `1-${String(index).padStart(16, '0')}`, since: 3 }))
const file = (name: string): JsonValue => ({
  name,
  object: 'a',
  size: 6,
  sha256: sha256Hex(Buffer.from('a of 5')),
})

const catalogFaults: Readonly<Record<string, readonly [Edits, RegExp]>> = {
  'a step that is not that of its attempt': [{ 'checkpoints.last.step': to(6) }, /attempt of another step/],
  'a wrong epoch': [{ 'checkpoints.last.epoch': to(7) }, /epoch 7, and the manifest has 1/],
  'an epoch that the manifest does not have': [{ 'checkpoints.last.epoch': to(0) }, /epoch 0/],
  'wrong bytes': [{ 'checkpoints.last.bytes': to(11) }, /bytes 11, and the manifest has 12/],
  'a wrong count of files': [{ 'checkpoints.last.fileCount': to(3) }, /fileCount 3, and the manifest has 2/],
  'a wrong size of the manifest': [{ 'checkpoints.last.manifest.size': to(1) }, /manifest.size 1, and/],
  'no history': [{ history: to([]) }, /history that does not end with its own commit/],
  'a history that ends in another version': [{ 'history.last.version': to(99) }, /history/],
  'a history that ends in another commit': [{ 'history.last.commitId': to(id) }, /history/],
  'a history out of order': [{ 'history.0.version': to(5) }, /history that is out of order/],
  'a commit id that is none': [{ commitId: to('x'), 'history.last.commitId': to('x') }, /commitId/],
  'too many retired pages': [{ 'older.retired': to(retiredPages(129)) }, /129 retired pages/],
  'a page that is retired in the future': [{ 'older.retired': to([{ page, since: 99 }]) }, /later version/],
  'a segment without a copy or a rewind': [{ 'checkpoints.last.order.segment': to(1) }, /segment above 0/],
  'a rewind that it does not require': [{ rewound: to({ segment: 0, base: 1 }) }, /uses a rewind/],
  'a latest checkpoint that it lists itself': [
    { latest: to(5), checkpoints: (lines) => lines ?? null },
    /latest/,
  ],
  'a count above 2^53 - 1': [{ 'checkpoints.last.bytes': to(2n ** 53n) }, /bytes/],
  'a metric beyond the range of numbers': [{ 'metrics.last.metrics.loss': to(beyondRange) }, /loss/],
  'a date that does not exist': [{ committedAt: to('2026-13-01T00:00:00Z') }, /committedAt/],
  'a time without an offset': [{ committedAt: to('2026-01-01T00:00:00') }, /committedAt/],
  'a chain of pages without end': [{ 'older.checkpoints.0.depth': to(3000) }, /depth/],
}

const manifestFaults: Readonly<Record<string, readonly [Edits, RegExp]>> = {
  'unsorted names': [
    { files: (files) => (Array.isArray(files) ? files.toReversed() : null) },
    /out of order/,
  ],
  'a name that comes twice': [{ files: to([file('a'), file('a')]) }, /same on some file systems/],
  'names that differ in case only': [{ files: to([file('A'), file('a')]) }, /same on some file systems/],
  'names that differ in normalisation only': [
    { files: to([file('\u00e9'), file('e\u0301')]) },
    /same on some/,
  ],
  'a file in the place of a folder': [{ files: to([file('a'), file('a/b')]) }, /same on some file systems/],
  'names in the order of UTF-16': [{ files: to([file('\u{1f600}'), file('\uff5e')]) }, /out of order/],
  'a file in a pack that it does not require': [{ 'files.0.offset': to(0) }, /uses a pack/],
  'an object outside of its attempt': [{ 'files.0.object': to('../x') }, /not a valid object/],
  'an object in the place of the manifest': [
    { 'files.0.object': to('manifest.json') },
    /content is not where its object says/,
  ],
  'content of a file that has an object': [
    { 'files.0.content': to('YQ=='), requires: to(['inline']) },
    /content is not where its object says/,
  ],
  'a file in the manifest that it does not require': [
    { 'files.0.object': to('manifest.json'), 'files.0.content': to('YQ==') },
    /uses a file in the manifest/,
  ],
  'an order key that its save cannot have known': [
    { 'order.base': to(99) },
    /order key later than its attempt/,
  ],
  'another step': [{ step: to(4) }, /manifest of another step/],
  'another attempt': [{ attempt: to(`5-1-${'a'.repeat(16)}`) }, /manifest of another attempt/],
  'no files': [{ files: to([]) }, /files/],
}

test('verify finds no fault in documents that were only sealed again', async () => {
  const backend = await savedStore()
  await resealCatalog(backend, {})
  await resealManifest(backend, 5, {})
  expect(await found(backend)).toBe('')
})

test('verify accepts what other writers may write', async () => {
  const backend = await savedStore()
  await resealCatalog(backend, {
    'metrics.last.metrics.loss': to(12345678901234567890n),
    committedAt: to('2026-01-01T02:00:00+02:00'),
    'checkpoints.last.savedAt': to('2026-01-01T02:00:00.123456789-11:30'),
    'checkpoints.last.tags': to(['\ud800']),
  })
  expect(await found(backend)).toBe('')
  expect((await storeOn(backend, { mode: 'shared' }).get(5))?.tags).toEqual(['\ud800'])
})

test('reads the last of two members with the same name', async () => {
  const backend = await savedStore()
  const key = await newestCatalogKey(backend)
  const body = (await readText(backend, key)).slice('{"sha256":"","catalog":'.length + 64, -2)
  const twice = `{"version":99,${body.slice(1)}`
  const sha256 = sha256Hex(Buffer.from(twice))
  await backend.put(key, Buffer.from(`{"sha256":"${sha256}","catalog":${twice}}\n`))
  expect(await found(backend)).toBe('')
})

describe('verify reports a resealed catalog', () => {
  test.each(Object.entries(catalogFaults))('with %s', async (_, [edits, message]) => {
    const backend = await savedStore()
    await resealCatalog(backend, edits)
    expect(await found(backend)).toMatch(message)
  })

  test('with a page that is both needed and retired', async () => {
    const backend = await savedStore()
    const { catalog } = JSON.parse(await readText(backend, await newestCatalogKey(backend))) as {
      readonly catalog: { readonly older: { readonly checkpoints: readonly { readonly page: string }[] } }
    }
    const needed = catalog.older.checkpoints[0]?.page ?? ''
    await resealCatalog(backend, { 'older.retired': to([{ page: needed, since: 3 }]) })
    expect(await found(backend)).toContain(`refers to the page ${needed}`)
  })
})

describe('a resealed manifest', () => {
  test.each(Object.entries(manifestFaults))('with %s is reported by verify', async (_, [edits, message]) => {
    const backend = await savedStore()
    await resealManifest(backend, 5, edits)
    expect(await found(backend)).toMatch(message)
  })

  test.each(['a name that comes twice', 'another step', 'a file in the place of a folder'])(
    'with %s is not restored',
    async (fault) => {
      const backend = await savedStore()
      await resealManifest(backend, 5, manifestFaults[fault]?.[0] ?? {})
      const store = storeOn(backend, { mode: 'shared' })
      expect(await codeOf(store.restore('latest', { to: await temporaryFolder() }))).toBe('CORRUPT')
      expect(await store.restore('latest', { to: await temporaryFolder(), fallback: true })).toMatchObject({
        step: 4,
      })
    },
  )
})
