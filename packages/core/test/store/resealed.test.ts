import { describe, expect, test } from 'vitest'
import { HoldfastError, type JsonValue, MemoryBackend } from '../../src/index.ts'
import { sha256Hex } from '../../src/backend.ts'
import { type DocumentKind, seal } from '../../src/catalog/documents/sealed.ts'
import { codeOf, foldingEarly, keysOf, storeOn, temporaryFolder } from '../stores.ts'

/** Paths into a document, such as `checkpoints.0.bytes`, and what is to be there. */
type Edits = Readonly<Record<string, (before: JsonValue | undefined) => JsonValue>>

const to =
  (value: JsonValue): Edits[string] =>
  () =>
    value

/** Three steps of two files each; the metrics of the first stand in pages. */
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

async function read(backend: MemoryBackend, key: string): Promise<string> {
  return Buffer.concat(await Array.fromAsync((await backend.read(key)).body)).toString()
}

/** Changes a document, and seals it again: its checksum is right. */
async function reseal(backend: MemoryBackend, kind: DocumentKind, key: string, edits: Edits): Promise<void> {
  const document = JSON.parse(await read(backend, key)) as Readonly<Record<string, JsonValue>>
  let body = document[kind] ?? null
  for (const [path, edit] of Object.entries(edits)) body = edited(body, path.split('.'), edit)
  await backend.put(key, seal(kind, body))
}

function edited(value: JsonValue | undefined, path: readonly string[], edit: Edits[string]): JsonValue {
  const [name, ...rest] = path
  if (name === undefined) return edit(value)
  if (Array.isArray(value)) {
    const items: readonly JsonValue[] = value
    const index = name === 'last' ? items.length - 1 : Number(name)
    return items.with(index, edited(items[index], rest, edit))
  }
  const object = (typeof value === 'object' && value !== null ? value : {}) as Record<string, JsonValue>
  return { ...object, [name]: edited(object[name], rest, edit) }
}

async function newestCatalog(backend: MemoryBackend): Promise<string> {
  return (await keysOf(backend, 'catalog/')).at(-1) ?? ''
}

async function resealCatalog(backend: MemoryBackend, edits: Edits): Promise<void> {
  await reseal(backend, 'catalog', await newestCatalog(backend), edits)
}

/** The manifest of the newest step; the catalog lists its new digest. */
async function resealManifest(backend: MemoryBackend, edits: Edits): Promise<void> {
  const key = (await keysOf(backend, 'data/5-')).find((each) => each.endsWith('/manifest.json')) ?? ''
  await reseal(backend, 'manifest', key, edits)
  const bytes = Buffer.from(await read(backend, key))
  const manifest = { sha256: sha256Hex(bytes), size: bytes.byteLength }
  await resealCatalog(backend, { 'checkpoints.last.manifest': to(manifest) })
}

/** What verify says is wrong. */
async function found(backend: MemoryBackend): Promise<string> {
  try {
    const { checkpoints, problems } = await storeOn(backend, { mode: 'shared' }).verify()
    return [...problems, ...checkpoints.flatMap((checkpoint) => checkpoint.problems)].join('; ')
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'CORRUPT') return error.message
    throw error
  }
}

const id = '4f7f3a52-3b1c-4c1e-9b1a-0123456789ab'
const page = `1-${'a'.repeat(16)}`
const retiredPages = (count: number): JsonValue =>
  Array.from({ length: count }, (_, index) => ({ page: `1-${String(index).padStart(16, '0')}`, since: 3 }))
const file = (name: string): JsonValue => ({ name, size: 6, sha256: sha256Hex(Buffer.from('a of 5')) })

const catalogFaults: Readonly<Record<string, readonly [Edits, RegExp]>> = {
  'a step that is not that of its attempt': [{ 'checkpoints.last.step': to(6) }, /attempt of another step/],
  'a wrong epoch': [{ 'checkpoints.last.epoch': to(7) }, /epoch 7, and the manifest has 1/],
  'an epoch that the manifest does not have': [{ 'checkpoints.last.epoch': to(0) }, /epoch 0/],
  'wrong bytes': [{ 'checkpoints.last.bytes': to(11) }, /bytes 11, and the manifest has 12/],
  'a wrong count of files': [{ 'checkpoints.last.files': to(3) }, /files 3, and the manifest has 2/],
  'a wrong size of the manifest': [{ 'checkpoints.last.manifest.size': to(1) }, /manifest.size 1, and/],
  'no history': [{ history: to([]) }, /history that does not end in itself/],
  'a history that ends in another version': [{ 'history.last.version': to(99) }, /history/],
  'a history that ends in another commit': [{ 'history.last.commitId': to(id) }, /history/],
  'a history out of order': [{ 'history.0.version': to(5) }, /history that is out of order/],
  'a commit id that is none': [{ commitId: to('x'), 'history.last.commitId': to('x') }, /commitId/],
  'too many retired pages': [{ 'older.retired': to(retiredPages(129)) }, /129 retired pages/],
  'a page that is retired in the future': [{ 'older.retired': to([{ page, since: 99 }]) }, /later version/],
  'a chain of pages without end': [{ 'older.checkpoints.0.depth': to(3000) }, /depth/],
}

const manifestFaults: Readonly<Record<string, readonly [Edits, RegExp]>> = {
  'unsorted names': [
    { files: (files) => (Array.isArray(files) ? files.toReversed() : null) },
    /out of order/,
  ],
  'a name that comes twice': [{ files: to([file('a'), file('a')]) }, /one on some file systems/],
  'names that differ in case only': [{ files: to([file('A'), file('a')]) }, /one on some file systems/],
  'names that differ in normalisation only': [
    { files: to([file('\u00e9'), file('e\u0301')]) },
    /one on some/,
  ],
  'a file in the place of a folder': [{ files: to([file('a'), file('a/b')]) }, /one on some file systems/],
  'another step': [{ step: to(4) }, /manifest of another step/],
  'another attempt': [{ attempt: to(`5-1-${'a'.repeat(16)}`) }, /manifest of another attempt/],
  'no files': [{ files: to([]) }, /files/],
}

test('verify finds nothing wrong with documents that are only sealed again', async () => {
  const backend = await savedStore()
  await resealCatalog(backend, {})
  await resealManifest(backend, {})
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
    const { catalog } = JSON.parse(await read(backend, await newestCatalog(backend))) as {
      readonly catalog: { readonly older: { readonly checkpoints: readonly { readonly page: string }[] } }
    }
    const needed = catalog.older.checkpoints[0]?.page ?? ''
    await resealCatalog(backend, { 'older.retired': to([{ page: needed, since: 3 }]) })
    expect(await found(backend)).toContain(`needs the page ${needed}`)
  })
})

describe('a resealed manifest', () => {
  test.each(Object.entries(manifestFaults))('with %s is reported by verify', async (_, [edits, message]) => {
    const backend = await savedStore()
    await resealManifest(backend, edits)
    expect(await found(backend)).toMatch(message)
  })

  test.each(['a name that comes twice', 'another step', 'a file in the place of a folder'])(
    'with %s is not restored',
    async (fault) => {
      const backend = await savedStore()
      await resealManifest(backend, manifestFaults[fault]?.[0] ?? {})
      const store = storeOn(backend, { mode: 'shared' })
      expect(await codeOf(store.restore('latest', { to: await temporaryFolder() }))).toBe('CORRUPT')
      expect(await store.restore('latest', { to: await temporaryFolder(), fallback: true })).toMatchObject({
        step: 4,
      })
    },
  )
})
