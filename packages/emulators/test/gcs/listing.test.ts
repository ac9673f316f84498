import type { Bucket, File, GetFilesOptions } from '@google-cloud/storage'
import { describe, expect, test } from 'vitest'
import { failure, gcs } from './emulators.ts'

/** Ordered by UTF-8 bytes. JavaScript orders the last two the other way round. */
const names = ['!first', 'a', 'a b+c', 'a-b', 'a/b', 'a/c/d', 'a0', 'b%2F', 'z', 'ä', '日本', '\uffee', '🚀']

async function filled(): Promise<Bucket> {
  const bucket = await gcs()
  for (const name of names.toReversed()) await bucket.file(name).save(name, { resumable: false })
  return bucket
}

async function listed(bucket: Bucket, options: GetFilesOptions = {}): Promise<readonly string[]> {
  const [files] = await bucket.getFiles(options)
  return files.map(({ name }) => name)
}

test('lists objects ordered by UTF-8 bytes, each with its resource', async () => {
  const bucket = await filled()
  const [files] = await bucket.getFiles()
  expect(files.map(({ name }) => name)).toEqual(names)
  expect(files[1]?.metadata).toMatchObject({ size: '1', metageneration: '1', crc32c: 'wdBDMA==' })
})

test.each(['', 'a', 'a/', 'a b', 'b%', '日', '\uffee', 'none', 'zz'])(
  'lists the objects with the prefix %j',
  async (prefix) => {
    const bucket = await filled()
    expect(await listed(bucket, { prefix })).toEqual(names.filter((name) => name.startsWith(prefix)))
  },
)

test.each(names)('lists from %j (inclusive) and up to it (exclusive)', async (offset) => {
  const bucket = await filled()
  const index = names.indexOf(offset)
  expect(await listed(bucket, { startOffset: offset })).toEqual(names.slice(index))
  expect(await listed(bucket, { endOffset: offset })).toEqual(names.slice(0, index))
})

test('combines offsets with a prefix', async () => {
  const bucket = await filled()
  expect(await listed(bucket, { prefix: 'a/', startOffset: '!' })).toEqual(['a/b', 'a/c/d'])
  expect(await listed(bucket, { prefix: 'a/', startOffset: 'a/b!' })).toEqual(['a/c/d'])
  expect(await listed(bucket, { prefix: 'a/', startOffset: 'b' })).toEqual([])
  expect(await listed(bucket, { prefix: 'a', startOffset: 'a-', endOffset: 'a/c' })).toEqual(['a-b', 'a/b'])
})

test.each([1, 2, 5, 12, 13])('lists in pages of %i, each with the token for the next', async (maxResults) => {
  const bucket = await filled()
  const found: string[] = []
  let query: GetFilesOptions | null = { maxResults, startOffset: 'a', autoPaginate: false }
  while (query !== null) {
    // After the last page there is no next query, which the types of the SDK do not express.
    const [files, next] = (await bucket.getFiles(query)) as readonly [
      readonly File[],
      GetFilesOptions | null,
      ...unknown[],
    ]
    expect(files.length).toBeLessThanOrEqual(maxResults)
    found.push(...files.map(({ name }) => name))
    query = next
  }
  expect(found).toEqual(names.slice(1))
})

test('lists at most 1000 objects per page, and the SDK requests all pages', async () => {
  const bucket = await gcs()
  const many = Array.from({ length: 1001 }, (_, index) => `key-${String(index).padStart(4, '0')}`)
  for (let start = 0; start < many.length; start += 50)
    await Promise.all(
      many.slice(start, start + 50).map((name) => bucket.file(name).save('', { resumable: false })),
    )
  const page = await bucket.getFiles({ autoPaginate: false, maxResults: 5000 })
  expect(page[0]).toHaveLength(1000)
  expect(await listed(bucket)).toEqual(many)
})

test('lists new objects immediately, and does not list deleted objects', async () => {
  const bucket = await filled()
  await bucket.file('new').save('', { resumable: false })
  await bucket.file('a').delete()
  expect(await listed(bucket)).toEqual([...names.filter((name) => name !== 'a'), 'new'].toSorted(byBytes))
})

function byBytes(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other))
}

test('ignores the parameter `fields`, which only selects parts of the response', async () => {
  const bucket = await filled()
  expect(await listed(bucket, { fields: 'items(name),nextPageToken' })).toEqual(names)
})

describe('a listing', () => {
  test.each<GetFilesOptions>([
    { delimiter: '/' },
    { versions: true },
    { softDeleted: true },
    { matchGlob: '*' },
    { includeTrailingDelimiter: true },
  ])('refuses unsupported options: %j', async (options) => {
    expect(await failure(listed(await gcs(), options))).toBe('501 notImplemented')
  })

  test.each<GetFilesOptions>([{ pageToken: 'nonsense' }, { maxResults: 0 }, { maxResults: -1 }])(
    'refuses invalid options: %j',
    async (options) => {
      expect(await failure(listed(await gcs(), { autoPaginate: false, ...options }))).toBe('400 invalid')
    },
  )
})
