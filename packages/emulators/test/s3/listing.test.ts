import {
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandInput,
  ListObjectsCommand,
  ListObjectsV2Command,
  type ListObjectsV2CommandInput,
  type ListObjectsV2CommandOutput,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { Bucket, failure, s3 } from './emulators.ts'

/** Ordered by UTF-8 bytes. JavaScript orders the last two the other way round. */
const keys = [
  '!first',
  'a',
  'a b+c',
  'a&<>"\'',
  'a-b',
  'a/b',
  'a/c/d',
  'a0',
  'b%2F',
  'z',
  'ä',
  '日本',
  '\uffee',
  '🚀',
]

async function filled(): Promise<S3Client> {
  const client = await s3()
  for (const Key of keys.toReversed()) await client.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
  return client
}

async function page(
  client: S3Client,
  options: Partial<ListObjectsV2CommandInput> = {},
): Promise<ListObjectsV2CommandOutput & { readonly keys: readonly (string | undefined)[] }> {
  const listed = await client.send(new ListObjectsV2Command({ Bucket, ...options }))
  return { ...listed, keys: listed.Contents?.map(({ Key }) => Key) ?? [] }
}

describe('objects', () => {
  test('are listed in the order of their UTF-8 bytes, each with its size, time, ETag and checksum', async () => {
    const client = await filled()
    const listed = await page(client)
    expect(listed.keys).toEqual(keys)
    expect(listed).toMatchObject({ IsTruncated: false, KeyCount: keys.length, MaxKeys: 1000, Name: Bucket })
    expect(listed.Contents?.[1]).toMatchObject({
      Size: 1,
      ETag: '"0cc175b9c0f1b6a831c399e269772661"',
      StorageClass: 'STANDARD',
      ChecksumAlgorithm: ['CRC32'],
      ChecksumType: 'FULL_OBJECT',
    })
  })

  test.each(['', 'a', 'a/', 'a b', 'b%', '日', '\uffee', 'none', 'zz'])(
    'are listed with the prefix %j',
    async (Prefix) => {
      const client = await filled()
      expect((await page(client, { Prefix })).keys).toEqual(keys.filter((key) => key.startsWith(Prefix)))
    },
  )

  test.each(keys)('are listed after %j', async (StartAfter) => {
    const client = await filled()
    expect((await page(client, { StartAfter })).keys).toEqual(keys.slice(keys.indexOf(StartAfter) + 1))
  })

  test('are listed after an absent key, before or after the keys of a prefix', async () => {
    const client = await filled()
    expect((await page(client, { StartAfter: 'a/b!' })).keys[0]).toBe('a/c/d')
    expect((await page(client, { Prefix: 'a/', StartAfter: '!' })).keys).toEqual(['a/b', 'a/c/d'])
    expect((await page(client, { Prefix: 'a/', StartAfter: 'a/b' })).keys).toEqual(['a/c/d'])
    expect((await page(client, { Prefix: 'a/', StartAfter: 'b' })).keys).toEqual([])
  })

  test.each([1, 2, 5, 13, 14])(
    'are listed in pages of %i, each with the token for the next',
    async (MaxKeys) => {
      const client = await filled()
      const found: (string | undefined)[] = []
      let token: string | undefined
      do {
        const listed = await page(client, { MaxKeys, ContinuationToken: token })
        expect(listed.IsTruncated).toBe(listed.NextContinuationToken !== undefined)
        expect(listed.KeyCount).toBeLessThanOrEqual(MaxKeys)
        expect(listed.ContinuationToken).toBe(token)
        found.push(...listed.keys)
        token = listed.NextContinuationToken
      } while (token !== undefined)
      expect(found).toEqual(keys)
    },
  )

  test('are listed at most 1000 per page, even if more are requested', async () => {
    const client = await s3()
    const many = Array.from({ length: 1001 }, (_, index) => `key-${String(index).padStart(4, '0')}`)
    await Promise.all(many.map((Key) => client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))))
    const listed = await page(client, { MaxKeys: 5000 })
    expect(listed).toMatchObject({ KeyCount: 1000, MaxKeys: 1000, IsTruncated: true })
    const rest = await page(client, { ContinuationToken: listed.NextContinuationToken })
    expect([...listed.keys, ...rest.keys]).toEqual(many)
  })

  test('are absent if the bucket is empty or MaxKeys is 0', async () => {
    const client = await filled()
    expect(await page(client, { MaxKeys: 0 })).toMatchObject({ keys: [], IsTruncated: false })
    expect(await page(await s3())).toMatchObject({ keys: [], KeyCount: 0, IsTruncated: false })
  })

  test('are percent-encoded on request, with a plus sign for a space', async () => {
    const client = await filled()
    const listed = await page(client, { EncodingType: 'url', Prefix: 'a ' })
    expect(listed.keys).toEqual(['a+b%2Bc'])
    expect(listed).toMatchObject({ EncodingType: 'url', Prefix: 'a+' })
    await client.send(new PutObjectCommand({ Bucket, Key: "odd/*~!'()ü", Body: 'x' }))
    expect((await page(client, { EncodingType: 'url', Prefix: 'odd' })).keys).toEqual([
      'odd/*%7E%21%27%28%29%C3%BC',
    ])
  })

  test('can have control characters, which encoding preserves', async () => {
    const client = await s3()
    const Key = 'tab\tnew\nline\u0001'
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
    const { keys: listed } = await page(client, { EncodingType: 'url' })
    expect(decodeURIComponent(listed[0] ?? '')).toBe(Key)
  })

  test('are listed immediately after their creation, and no longer after their deletion', async () => {
    const client = await s3()
    await client.send(new PutObjectCommand({ Bucket, Key: 'b', Body: 'x' }))
    await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'x' }))
    await client.send(new PutObjectCommand({ Bucket, Key: 'a', Body: 'y' }))
    expect((await page(client)).keys).toEqual(['a', 'b'])
  })

  test.each([
    [{ ContinuationToken: 'nonsense' }, '400 InvalidArgument'],
    [{ MaxKeys: -1 }, '400 InvalidArgument'],
    [{ EncodingType: 'base64' as 'url' }, '400 InvalidArgument'],
    [{ Delimiter: '-' }, '501 NotImplemented'],
    [{ FetchOwner: true }, '501 NotImplemented'],
  ])('cannot be listed with %j', async (options, expected) => {
    const client = await s3()
    expect(await failure(page(client, options))).toBe(expected)
  })

  test('cannot be listed with version 1 of the operation', async () => {
    const client = await s3()
    expect(await failure(client.send(new ListObjectsCommand({ Bucket })))).toBe('501 NotImplemented')
  })
})

describe('unfinished uploads', () => {
  interface Found {
    readonly key: string | undefined
    readonly id: string | undefined
  }

  async function begun(client: S3Client, ...begin: readonly string[]): Promise<readonly Found[]> {
    const found: Found[] = []
    for (const Key of begin) {
      const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }))
      found.push({ key: Key, id: UploadId })
    }
    return found
  }

  async function uploads(
    client: S3Client,
    options: Partial<ListMultipartUploadsCommandInput> = {},
  ): Promise<readonly Found[]> {
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket, ...options }))
    return Uploads?.map(({ Key, UploadId }) => ({ key: Key, id: UploadId })) ?? []
  }

  test('are listed by key, then by the order of their start', async () => {
    const client = await s3()
    const [b1, a, b2, c] = await begun(client, 'b', 'a', 'b', 'c/d')
    expect(await uploads(client)).toEqual([a, b1, b2, c])
    expect(await uploads(client, { Prefix: 'b' })).toEqual([b1, b2])
    expect(await uploads(client, { Prefix: 'c/' })).toEqual([c])
    expect(await uploads(client, { Prefix: 'd' })).toEqual([])
  })

  test('are ordered by the clock of the emulator', async () => {
    const client = await s3({ now: () => new Date() })
    const before = Math.floor(Date.now() / 1000) * 1000
    await begun(client, 'a')
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket }))
    const initiated = Uploads?.[0]?.Initiated?.getTime() ?? 0
    expect(initiated).toBeGreaterThanOrEqual(before)
    expect(initiated).toBeLessThanOrEqual(Date.now())
  })

  test('are listed after the last upload of the key in key-marker', async () => {
    const client = await s3()
    const [a, , , c] = await begun(client, 'a', 'b', 'b', 'c')
    expect(await uploads(client, { KeyMarker: 'b' })).toEqual([c])
    expect((await uploads(client, { KeyMarker: '' }))[0]).toEqual(a)
  })

  test('are listed after the upload in upload-id-marker', async () => {
    const client = await s3()
    const [, b1, b2, c] = await begun(client, 'a', 'b', 'b', 'c')
    const after = await uploads(client, { KeyMarker: 'b', UploadIdMarker: b1?.id })
    expect(after).toEqual([b2, c])
  })

  test('ignore upload-id-marker without key-marker', async () => {
    const client = await s3()
    const all = await begun(client, 'a', 'b')
    expect(await uploads(client, { UploadIdMarker: all[1]?.id })).toEqual(all)
  })

  test.each([1, 2, 3, 7])('are listed in pages of %i', async (MaxUploads) => {
    const client = await s3()
    await begun(client, 'b', 'a', 'ü', 'b', '🚀', '\uffee', 'b')
    const all = await uploads(client)
    expect(all.map(({ key }) => key)).toEqual(['a', 'b', 'b', 'b', 'ü', '\uffee', '🚀'])
    const found: Found[] = []
    let marker: Partial<ListMultipartUploadsCommandInput> | undefined = {}
    while (marker !== undefined) {
      const listed: ListMultipartUploadsCommandInput = { Bucket, MaxUploads, ...marker }
      const { Uploads, IsTruncated, NextKeyMarker, NextUploadIdMarker } = await client.send(
        new ListMultipartUploadsCommand(listed),
      )
      found.push(...(Uploads ?? []).map(({ Key, UploadId }) => ({ key: Key, id: UploadId })))
      marker =
        IsTruncated === true ? { KeyMarker: NextKeyMarker, UploadIdMarker: NextUploadIdMarker } : undefined
    }
    expect(found).toEqual(all)
  })

  test('cannot be listed with a delimiter', async () => {
    const client = await s3()
    expect(await failure(uploads(client, { Delimiter: '/' }))).toBe('501 NotImplemented')
  })
})

describe('a directory bucket', () => {
  const Directory = 'emulated--use1-az4--x-s3'

  test('lists in no order, with all keys on its pages, and rejects what its documentation excludes', async () => {
    const client = await s3({ buckets: [Directory] })
    const keys = Array.from({ length: 30 }, (_, index) => `a/${String(index).padStart(2, '0')}`)
    for (const Key of keys) await client.send(new PutObjectCommand({ Bucket: Directory, Key, Body: 'x' }))
    const listed: string[] = []
    let ContinuationToken: string | undefined
    do {
      const page = await client.send(
        new ListObjectsV2Command({ Bucket: Directory, Prefix: 'a/', MaxKeys: 7, ContinuationToken }),
      )
      listed.push(...(page.Contents ?? []).map(({ Key = '' }) => Key))
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken !== undefined)
    expect(listed).not.toEqual(keys)
    expect(listed.toSorted()).toEqual(keys)
    const list = (input: object): Promise<string> =>
      failure(client.send(new ListObjectsV2Command({ Bucket: Directory, ...input })))
    expect(await list({ StartAfter: 'a/07' })).toBe('501 NotImplemented')
    expect(await list({ Prefix: 'a' })).toBe('400 InvalidArgument')
  })

  test('shows the prefix of an unfinished upload', async () => {
    const client = await s3({ buckets: [Directory] })
    await client.send(new CreateMultipartUploadCommand({ Bucket: Directory, Key: 'a/b/c' }))
    const { CommonPrefixes, Contents } = await client.send(
      new ListObjectsV2Command({ Bucket: Directory, Prefix: 'a/', Delimiter: '/' }),
    )
    expect([CommonPrefixes, Contents]).toEqual([[{ Prefix: 'a/b/' }], undefined])
  })
})

test('lists keys up to a delimiter once, in order with the other keys', async () => {
  const client = await s3()
  for (const Key of ['a-b', 'a/1', 'a/2', 'a', 'b/1', 'c'])
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
  const first = await client.send(new ListObjectsV2Command({ Bucket, Delimiter: '/', MaxKeys: 3 }))
  expect(first.Contents?.map(({ Key }) => Key)).toEqual(['a', 'a-b'])
  expect(first.CommonPrefixes).toEqual([{ Prefix: 'a/' }])
  const { NextContinuationToken: ContinuationToken } = first
  const rest = await client.send(new ListObjectsV2Command({ Bucket, Delimiter: '/', ContinuationToken }))
  expect(rest.Contents?.map(({ Key }) => Key)).toEqual(['c'])
  expect(rest.CommonPrefixes).toEqual([{ Prefix: 'b/' }])
})
