import { createHash } from 'node:crypto'
import { compareKeys } from '@holdfast/core/backend'
import { startS3Emulator } from '@holdfast/emulators'
import { startProxy } from '@holdfast/emulators/proxy'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { S3Backend } from '../src/index.ts'

const emulator = await startS3Emulator({ buckets: ['shuffled--use1-az4--x-s3'] })
const proxy = await startProxy({ target: emulator.endpoint })
const { region, credentials } = emulator
const backend = new S3Backend('shuffled--use1-az4--x-s3', 'runs/a', {
  endpoint: proxy.url,
  region,
  credentials,
})
afterAll(async () => {
  await backend.close()
  await proxy.close()
  await emulator.close()
})

/** Keys in several folders, of which two have more objects than one page. */
const keys = [
  ...Array.from({ length: 1100 }, (_, index) => `data/large/${nameOf(index)}`),
  ...Array.from({ length: 20 }, (_, index) => `data/small-${index}/part/${nameOf(index)}`),
  'data/large',
  'data/large-after-a-hyphen',
  'data.json',
  'catalog/0001.json',
  'catalog/0002.json',
  'zebra/last',
].sort(compareKeys)

function nameOf(index: number): string {
  return createHash('sha1').update(String(index)).digest('hex').slice(0, 12)
}

beforeAll(async () => {
  const left = [...keys]
  const writers = Array.from({ length: 16 }, async () => {
    for (let key = left.pop(); key !== undefined; key = left.pop()) await backend.put(key, Buffer.from('x'))
  })
  await Promise.all(writers)
}, 120_000)

async function listed(
  prefix: string,
  options: { readonly startAfter?: string; readonly limit?: number } = {},
): Promise<readonly string[]> {
  return (await Array.fromAsync(backend.list(prefix, options))).map(({ key }) => key)
}

test('lists several pages of several folders in key order, each object once', async () => {
  expect(await listed('')).toEqual(keys)
})

test.each(['data/large/', 'data/large', 'data/', 'data', 'data/small-1', 'data/small-1/p', 'z', 'none/'])(
  'lists only keys that begin with %s, also if it is not a folder',
  async (prefix) => {
    expect(await listed(prefix)).toEqual(keys.filter((key) => key.startsWith(prefix)))
  },
)

test.each([0, 1, 3, 600, 1100, 1125])('starts after the key with the index %i', async (index) => {
  const startAfter = keys[index] ?? ''
  expect(await listed('', { startAfter })).toEqual(keys.slice(index + 1))
  expect(await listed('', { startAfter: `${startAfter}/more`, limit: 3 })).toEqual(
    keys.filter((key) => compareKeys(key, `${startAfter}/more`) > 0).slice(0, 3),
  )
})

test('lists the versions of a catalog with one request, and skips folders before startAfter', async () => {
  const before = proxy.requests.counts()['ListObjectsV2'] ?? 0
  await listed('catalog/', { startAfter: 'catalog/0001.json' })
  expect((proxy.requests.counts()['ListObjectsV2'] ?? 0) - before).toBe(1)
  await listed('', { startAfter: 'data/small-9/z' })
  // Two for the root, two for `data/`, and one for each of `data/small-9/` and `zebra/`.
  expect((proxy.requests.counts()['ListObjectsV2'] ?? 0) - before).toBe(7)
})
