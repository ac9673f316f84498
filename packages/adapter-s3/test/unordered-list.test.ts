import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { compareKeys } from '@holdfast/core/backend'
import { startS3Emulator } from '@holdfast/emulators'
import { startProxy } from '@holdfast/emulators/proxy'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
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
  // Three for the root, two for `data/`, and one for each of `data/small-9/` and `zebra/`.
  expect((proxy.requests.counts()['ListObjectsV2'] ?? 0) - before).toBe(8)
})

interface Page {
  readonly keys?: readonly string[]
  readonly folders?: readonly string[]
  readonly next?: string
}

/** A service that answers a list by the page for its prefix, its delimiter and where it continues. */
async function scripted(
  pageOf: (asked: string) => Page,
  listOrder: 'none' | 'key' = 'none',
): Promise<S3Backend> {
  const server = createServer(({ url = '' }, response) => {
    const { searchParams } = new URL(url, 'http://service')
    const asked = ['prefix', 'delimiter', 'continuation-token'].map((name) => searchParams.get(name) ?? '')
    const { keys = [], folders = [], next } = pageOf(asked.join(' ').trim())
    const contents = keys.map(
      (key) =>
        `<Contents><Key>a/${key}</Key><Size>1</Size><LastModified>2026-01-01T00:00:00Z</LastModified><ETag>e</ETag></Contents>`,
    )
    const prefixes = folders.map((key) => `<CommonPrefixes><Prefix>a/${key}</Prefix></CommonPrefixes>`)
    const end = `<NextContinuationToken>${next}</NextContinuationToken>`
    response.end(
      `<ListBucketResult>${contents.join('')}${prefixes.join('')}<IsTruncated>${next !== undefined}</IsTruncated>${next === undefined ? '' : end}</ListBucketResult>`,
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const service = new S3Backend('bucket', 'a', {
    endpoint: `http://127.0.0.1:${port}`,
    credentials,
    listOrder,
    retry: { attempts: 1, minDelay: 0, maxDelay: 0 },
  })
  onTestFinished(async () => {
    await service.close()
    server.close()
  })
  return service
}

test('lists a folder once that the service names on two pages', async () => {
  const pages: Readonly<Record<string, Page>> = {
    'a/': { next: 'more' },
    'a/ /': { folders: ['x/'], next: '2' },
    'a/ / 2': { folders: ['x/'], keys: ['y'] },
    'a/x/': { keys: ['x/1'] },
  }
  const service = await scripted((asked) => pages[asked] ?? {})
  const found = await Array.fromAsync(service.list(''))
  expect(found.map(({ key }) => key)).toEqual(['x/1', 'y'])
})

test('rejects a list in which a folder contains itself', async () => {
  const service = await scripted((asked) =>
    asked === 'a/x/ /' ? { folders: ['x/'] } : { next: 'more', folders: [] },
  )
  await expect(Array.fromAsync(service.list('x/'))).rejects.toThrow(/lists the folder a\/x\/ below itself/)
})

test('finds the highest key if it is created, and the one before it deleted, between two pages', async () => {
  let times = 0
  const service = await scripted((asked) => {
    if (asked === 'a/catalog/') return { keys: ['catalog/1'], next: 'more' }
    if (asked === 'a/catalog/ /') {
      times += 1
      // The key 3 is created after the first page.
      return { keys: times === 1 ? ['catalog/1'] : ['catalog/1', 'catalog/3'], next: '2' }
    }
    return {} // the key 2 was deleted
  })
  const found = await Array.fromAsync(service.list('catalog/'))
  expect(found.map(({ key }) => key)).toEqual(['catalog/1', 'catalog/3'])
})

test('names the option for a store that lists in no order', async () => {
  const service = await scripted(() => ({ keys: ['b', 'a'] }), 'key')
  await expect(Array.fromAsync(service.list(''))).rejects.toThrow(/lists a after b; set listOrder to none/)
})
