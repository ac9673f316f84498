import { createHash } from 'node:crypto'
import http from 'node:http'
import { crc32 } from 'node:zlib'
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { Crc32c, crc32cBase64 } from '@holdfast/core/backend'
import { describe, expect, test } from 'vitest'
import { collect, pausingSource, oddChunks, patterned } from '@holdfast/conformance/testing'
import { Bucket, clientOf, emulatorOf, failure, s3, streamed, temporaryFolder } from './emulators.ts'

const body = patterned(100_000)

async function bytesAt(client: S3Client, Key: string, Range?: string): Promise<Uint8Array> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket, Key, Range }))
  return await collect(Body as AsyncIterable<Uint8Array>)
}

function digestOf(algorithm: 'md5' | 'sha256', bytes: Uint8Array): Buffer {
  return createHash(algorithm).update(bytes).digest()
}

describe.each(['in memory', 'on disk'])('%s', (place) => {
  const start = async (): Promise<S3Client> =>
    s3(place === 'on disk' ? { directory: await temporaryFolder() } : {})

  test.each([0, 1, 65_536, 3_000_000])('returns an object of %i bytes unchanged', async (size) => {
    const client = await start()
    const bytes = patterned(size)
    const put = await client.send(new PutObjectCommand({ Bucket, Key: 'a/b c+d%/ü?#', Body: bytes }))
    expect(put.ETag).toBe(`"${digestOf('md5', bytes).toString('hex')}"`)
    expect(Buffer.compare(await bytesAt(client, 'a/b c+d%/ü?#'), bytes)).toBe(0)
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'a/b c+d%/ü?#' }))
    expect(head).toMatchObject({ ContentLength: size, ETag: put.ETag, AcceptRanges: 'bytes' })
  })

  test.each([
    ['bytes=0-9', 0, 10],
    ['bytes=99990-', 99_990, 100_000],
    ['bytes=-10', 99_990, 100_000],
    ['bytes=50-1000000', 50, 100_000],
    ['bytes=-1000000', 0, 100_000],
  ])('returns the range %s', async (range, from, to) => {
    const client = await start()
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: body }))
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'k', Range: range }))
    expect(got.$metadata.httpStatusCode).toBe(206)
    expect(got.ContentRange).toBe(`bytes ${from}-${to - 1}/100000`)
    expect(got.ContentLength).toBe(to - from)
    expect(
      Buffer.compare(await collect(got.Body as AsyncIterable<Uint8Array>), body.subarray(from, to)),
    ).toBe(0)
  })

  test('completes a download if its object is replaced or deleted during the download', async () => {
    const client = await start()
    const large = patterned(8 * 2 ** 20)
    const changes = [
      () => client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'other' })),
      () => client.send(new DeleteObjectCommand({ Bucket, Key: 'k' })),
    ]
    for (const change of changes) {
      await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: large }))
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'k' }))
      await change()
      expect(Buffer.compare(await collect(Body as AsyncIterable<Uint8Array>), large)).toBe(0)
    }
    expect(await failure(bytesAt(client, 'k'))).toBe('404 NoSuchKey')
  })

  test('stores nothing if a body is cut', async () => {
    const emulator = await emulatorOf(place === 'on disk' ? { directory: await temporaryFolder() } : {})
    const client = clientOf(emulator)
    const { source, paused, resume } = pausingSource(body, body)
    const abort = new AbortController()
    const put = client.send(new PutObjectCommand({ Bucket, Key: 'k', ...streamed(source, 200_000) }), {
      abortSignal: abort.signal,
    })
    put.catch(() => undefined)
    await paused
    abort.abort()
    resume()
    await expect(put).rejects.toThrow()
    expect(await failure(client.send(new HeadObjectCommand({ Bucket, Key: 'k' })))).toBe('404 NotFound')
  })
})

test.each(['bytes=100000-', 'bytes=100000-100010', 'bytes=-0'])(
  'returns 416 for the range %s',
  async (range) => {
    const client = await s3()
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: body }))
    expect(await failure(bytesAt(client, 'k', range))).toBe('416 InvalidRange')
    await client.send(new PutObjectCommand({ Bucket, Key: 'empty', Body: Buffer.alloc(0) }))
    expect(await failure(bytesAt(client, 'empty', 'bytes=0-'))).toBe('416 InvalidRange')
  },
)

test.each(['bytes=5-2', 'lines=1-2', 'bytes=-'])('ignores the invalid range %s', async (range) => {
  const client = await s3()
  await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: body }))
  expect((await bytesAt(client, 'k', range)).byteLength).toBe(100_000)
})

describe('the description of an object', () => {
  test('is returned with metadata, type, storage class and encryption', async () => {
    const client = await s3()
    const described = {
      Metadata: { token: 'abc', two: 'b  c' },
      ContentType: 'application/json',
      CacheControl: 'no-store',
      ContentEncoding: 'gzip',
      StorageClass: 'STANDARD_IA',
      ServerSideEncryption: 'aws:kms',
      SSEKMSKeyId: 'key',
    } as const
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: body, ...described }))
    expect(await client.send(new HeadObjectCommand({ Bucket, Key: 'k' }))).toMatchObject(described)
    const got = await client.send(new GetObjectCommand({ Bucket, Key: 'k' }))
    expect(got).toMatchObject(described)
    await collect(got.Body as AsyncIterable<Uint8Array>)
  })

  test('has default values if the client sends none', async () => {
    const client = await s3()
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: body }))
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'k' }))
    expect(head.ContentType).toBe('application/octet-stream') // the SDK always sends this type
    expect(head.ServerSideEncryption).toBe('AES256')
    expect(head.StorageClass).toBeUndefined()
    expect(head.Metadata).toEqual({})
  })

  test('is refused if it is invalid', async () => {
    const client = await s3()
    const put = (more: object): Promise<string> =>
      failure(client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: body, ...more })))
    expect(await put({ StorageClass: 'CHEAP' })).toBe('400 InvalidRequest')
    expect(await put({ ServerSideEncryption: 'rot13' })).toBe('400 InvalidArgument')
    expect(await put({ Metadata: { long: 'x'.repeat(2048) } })).toBe('400 MetadataTooLarge')
  })
})

describe('conditions', () => {
  test('If-None-Match: * creates an absent key, and returns 412 and changes nothing for an existing one', async () => {
    const client = await s3()
    const put = (Body: string): PutObjectCommand =>
      new PutObjectCommand({ Bucket, Key: 'k', Body, IfNoneMatch: '*' })
    await client.send(put('first'))
    expect(await failure(client.send(put('second')))).toBe('412 PreconditionFailed')
    expect(String(await bytesAt(client, 'k'))).toBe(String(Buffer.from('first')))
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'k' }))
    await client.send(put('third'))
    expect(Buffer.from(await bytesAt(client, 'k')).toString()).toBe('third')
  })

  test('exactly one of 32 concurrent conditional writes wins, and its bytes stay', async () => {
    const emulator = await emulatorOf()
    for (let round = 0; round < 10; round += 1) {
      const clients = Array.from({ length: 32 }, () => clientOf(emulator))
      const results = await Promise.all(
        clients.map(async (client, index) =>
          failure(
            client.send(
              new PutObjectCommand({ Bucket, Key: `k${round}`, Body: String(index), IfNoneMatch: '*' }),
            ),
          ),
        ),
      )
      expect(results.filter((result) => result === 'none')).toHaveLength(1)
      expect(results.filter((result) => result === '412 PreconditionFailed')).toHaveLength(31)
      const [client] = clients
      if (client === undefined) throw new Error('no client')
      const winner = Buffer.from(await bytesAt(client, `k${round}`)).toString()
      expect(winner).toBe(String(results.indexOf('none')))
    }
  })

  test('If-None-Match: * returns 409 and writes nothing if the key is deleted during the write', async () => {
    const arrived = { k: Promise.withResolvers<undefined>(), neighbour: Promise.withResolvers<undefined>() }
    const client = await s3({
      denies: ({ operation, key }) => {
        if (operation === 'PutObject' && key in arrived)
          arrived[key as keyof typeof arrived].resolve(undefined)
        return false
      },
    })
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'there' }))
    arrived.k = Promise.withResolvers()
    const { source, resume } = pausingSource(body, body)
    const { source: other, resume: resumeToo } = pausingSource(body, body)
    const put = (Key: string, stream: AsyncIterable<Uint8Array>): Promise<string> =>
      failure(
        client.send(new PutObjectCommand({ Bucket, Key, ...streamed(stream, 200_000), IfNoneMatch: '*' })),
      )
    const [conflicting, neighbour] = [put('k', source), put('neighbour', other)]
    await Promise.all([arrived.k.promise, arrived.neighbour.promise])
    await client.send(new DeleteObjectCommand({ Bucket, Key: 'k' }))
    resume()
    resumeToo()
    expect(await conflicting).toBe('409 ConditionalRequestConflict')
    expect(await neighbour).toBe('none')
    expect(await failure(bytesAt(client, 'k'))).toBe('404 NoSuchKey')
  })

  test('If-Match replaces the object with that ETag, and returns 412 for another and 404 for none', async () => {
    const client = await s3()
    const put = (IfMatch: string): Promise<string> =>
      failure(client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'new', IfMatch })))
    expect(await put('"abc"')).toBe('404 NoSuchKey')
    const { ETag = '' } = await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'old' }))
    expect(await put('"abc"')).toBe('412 PreconditionFailed')
    expect(await put(ETag)).toBe('none')
    expect(await put(ETag)).toBe('412 PreconditionFailed')
  })

  test('If-Match applies to reads and deletes', async () => {
    const client = await s3()
    const { ETag } = await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
    const wrong = { Bucket, Key: 'k', IfMatch: '"abc"' }
    expect(await failure(client.send(new GetObjectCommand(wrong)))).toBe('412 PreconditionFailed')
    expect(await failure(client.send(new HeadObjectCommand(wrong)))).toMatch(/^412 /)
    expect(await failure(client.send(new DeleteObjectCommand(wrong)))).toBe('412 PreconditionFailed')
    const right = { Bucket, Key: 'k', IfMatch: ETag }
    expect(await failure(client.send(new GetObjectCommand(right)))).toBe('none')
    expect(await failure(client.send(new DeleteObjectCommand(right)))).toBe('none')
    expect(await failure(client.send(new DeleteObjectCommand(right)))).toBe('404 NoSuchKey')
  })

  test('a condition that S3 does not support is refused', async () => {
    const client = await s3()
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
    const calls = [
      () => client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', IfNoneMatch: '"abc"' })),
      () =>
        client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', IfNoneMatch: '*', IfMatch: '"a"' })),
      () => client.send(new GetObjectCommand({ Bucket, Key: 'k', IfNoneMatch: '"abc"' })),
      () => client.send(new GetObjectCommand({ Bucket, Key: 'k', IfModifiedSince: new Date(0) })),
      () => client.send(new GetObjectCommand({ Bucket, Key: 'k', Range: 'bytes=0-1,3-4' })),
      () => client.send(new DeleteObjectCommand({ Bucket, Key: 'k', IfMatchSize: 1 })),
    ]
    for (const call of calls) expect(await failure(call())).toBe('501 NotImplemented')
  })
})

describe('checksums', () => {
  const values = {
    ChecksumCRC32: crc32cBase64(crc32(body)),
    ChecksumCRC32C: crc32cBase64(new Crc32c().update(body).value),
    ChecksumSHA256: digestOf('sha256', body).toString('base64'),
  }

  test.each(Object.entries(values))(
    'with %s are verified, kept, and returned on request',
    async (name, value) => {
      const client = await s3()
      const put = await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: body, [name]: value }))
      expect(put).toMatchObject({ [name]: value, ChecksumType: 'FULL_OBJECT' })
      const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'k', ChecksumMode: 'ENABLED' }))
      expect(head).toMatchObject({ [name]: value, ChecksumType: 'FULL_OBJECT' })
      const unasked = clientOf(await emulatorOf(), { responseChecksumValidation: 'WHEN_REQUIRED' })
      await unasked.send(new PutObjectCommand({ Bucket, Key: 'k', Body: body, [name]: value }))
      const quiet = await unasked.send(new HeadObjectCommand({ Bucket, Key: 'k' }))
      expect(quiet).not.toHaveProperty(name)
      const wrong = new PutObjectCommand({ Bucket, Key: 'wrong', Body: patterned(100_000, 2), [name]: value })
      expect(await failure(client.send(wrong))).toBe('400 BadDigest')
      expect(await failure(client.send(new HeadObjectCommand({ Bucket, Key: 'wrong' })))).toBe('404 NotFound')
      const none = new PutObjectCommand({ Bucket, Key: 'wrong', Body: body, [name]: 'AAAA' })
      expect(await failure(client.send(none))).toBe('400 InvalidRequest')
    },
  )

  test.each(['CRC32', 'CRC32C', 'CRC64NVME', 'SHA256'] as const)(
    'with %s are equal in the SDK and in the emulator',
    async (ChecksumAlgorithm) => {
      const client = await s3()
      for (const size of [0, 1, 7, 8, 9, 100_003]) {
        const put = new PutObjectCommand({ Bucket, Key: 'k', Body: patterned(size), ChecksumAlgorithm })
        const { [`Checksum${ChecksumAlgorithm}` as const]: sum } = await client.send(put)
        expect(sum).toBeDefined()
        const get = new GetObjectCommand({ Bucket, Key: 'k', ChecksumMode: 'ENABLED' })
        const got = await client.send(get) // the SDK verifies the checksum of the response
        expect(await collect(got.Body as AsyncIterable<Uint8Array>)).toHaveLength(size)
        expect(got[`Checksum${ChecksumAlgorithm}`]).toBe(sum)
      }
    },
  )

  test('can follow the chunks of a stream in a trailer', async () => {
    const client = await s3()
    const put = new PutObjectCommand({ Bucket, Key: 'k', ...streamed(oddChunks(body), 100_000) })
    expect(await client.send(put)).toMatchObject({ ChecksumCRC32: values.ChecksumCRC32 })
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'k' }))
    expect(head.ContentLength).toBe(100_000)
    expect(head.ContentEncoding).toBeUndefined()
    expect(Buffer.compare(await bytesAt(client, 'k'), body)).toBe(0)
  })

  test('are computed with CRC64NVME if the client sends none', async () => {
    const client = clientOf(await emulatorOf(), { requestChecksumCalculation: 'WHEN_REQUIRED' })
    // The check value in https://reveng.sourceforge.io/crc-catalogue/.
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: '123456789' }))
    const head = await client.send(new HeadObjectCommand({ Bucket, Key: 'k', ChecksumMode: 'ENABLED' }))
    const value = Buffer.from('ae8b14860a799888', 'hex').toString('base64')
    expect(head).toMatchObject({ ChecksumCRC64NVME: value, ChecksumType: 'FULL_OBJECT' })
  })

  test('are not returned with a range of an object', async () => {
    const client = await s3()
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: body }))
    const got = await client.send(
      new GetObjectCommand({ Bucket, Key: 'k', Range: 'bytes=0-9', ChecksumMode: 'ENABLED' }),
    )
    expect(got.ChecksumCRC32).toBeUndefined()
    expect(await collect(got.Body as AsyncIterable<Uint8Array>)).toHaveLength(10)
  })

  test('are refused if there are two, or the algorithm is unsupported', async () => {
    const client = await s3()
    const both = { ChecksumCRC32: values.ChecksumCRC32, ChecksumSHA256: values.ChecksumSHA256 }
    const two = new PutObjectCommand({ Bucket, Key: 'k', Body: body, ...both })
    expect(await failure(client.send(two))).toBe('400 InvalidRequest')
    const sha1 = new PutObjectCommand({ Bucket, Key: 'k', Body: body, ChecksumAlgorithm: 'SHA1' })
    expect(await failure(client.send(sha1))).toBe('501 NotImplemented')
  })

  test('are verified if Content-MD5 contains them', async () => {
    const client = await s3()
    const put = (ContentMD5: string): Promise<string> =>
      failure(client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: body, ContentMD5 })))
    expect(await put(digestOf('md5', body).toString('base64'))).toBe('none')
    expect(await put(digestOf('md5', patterned(1)).toString('base64'))).toBe('400 BadDigest')
    expect(await put('AAAA')).toBe('400 InvalidDigest')
  })
})

describe('a delete', () => {
  test('succeeds for an absent key as for an existing one', async () => {
    const client = await s3()
    await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
    for (let times = 0; times < 2; times += 1) {
      const { $metadata } = await client.send(new DeleteObjectCommand({ Bucket, Key: 'k' }))
      expect($metadata.httpStatusCode).toBe(204)
    }
    expect(await failure(bytesAt(client, 'k'))).toBe('404 NoSuchKey')
  })

  test('reports each of many keys, including absent ones', async () => {
    const client = await s3()
    const keys = ['a', 'with <&> "quotes"', 'ü/🚀', 'not there']
    for (const Key of keys.slice(0, 3)) await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
    const Objects = keys.map((Key) => ({ Key }))
    const told = await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } }))
    expect(told.Deleted?.map(({ Key }) => Key)).toEqual(keys)
    expect(told.Errors).toBeUndefined()
    for (const Key of keys) expect(await failure(bytesAt(client, Key))).toBe('404 NoSuchKey')
  })

  test('reports only failures of many keys in quiet mode', async () => {
    const client = await s3({ denies: ({ operation, key }) => operation === 'DeleteObject' && key === 'b' })
    for (const Key of ['a', 'b']) await client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' }))
    const Delete = { Objects: [{ Key: 'a' }, { Key: 'b' }], Quiet: true }
    const told = await client.send(new DeleteObjectsCommand({ Bucket, Delete }))
    expect(told.Deleted).toBeUndefined()
    expect(told.Errors).toEqual([{ Key: 'b', Code: 'AccessDenied', Message: 'Access Denied' }])
    expect(await failure(bytesAt(client, 'a'))).toBe('404 NoSuchKey')
    expect(Buffer.from(await bytesAt(client, 'b')).toString()).toBe('x')
  })

  test('accepts 1 to 1000 keys in one request', async () => {
    const client = await s3()
    const remove = (count: number): Promise<string> => {
      const Objects = Array.from({ length: count }, (_, index) => ({ Key: `key-${index}` }))
      return failure(client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects } })))
    }
    expect(await remove(1000)).toBe('none')
    expect(await remove(1001)).toBe('400 MalformedXML')
    expect(await remove(0)).toBe('400 MalformedXML')
  })

  test('refuses versions and conditions of many keys', async () => {
    const client = await s3()
    const Delete = { Objects: [{ Key: 'a', VersionId: '1' }] }
    expect(await failure(client.send(new DeleteObjectsCommand({ Bucket, Delete })))).toBe(
      '501 NotImplemented',
    )
  })
})

describe('a bucket', () => {
  test('can be created once, and exists from then on', async () => {
    const client = await s3()
    expect(await failure(client.send(new HeadBucketCommand({ Bucket: 'other' })))).toBe('404 NotFound')
    await client.send(new CreateBucketCommand({ Bucket: 'other' }))
    expect((await client.send(new HeadBucketCommand({ Bucket: 'other' }))).BucketRegion).toBe('us-east-1')
    const again = client.send(new CreateBucketCommand({ Bucket: 'other' }))
    expect(await failure(again)).toBe('409 BucketAlreadyOwnedByYou')
  })

  test('can be created only in the region of the emulator and with a valid name', async () => {
    const client = await s3({ region: 'eu-central-1' })
    const create = (name: string, LocationConstraint?: 'eu-central-1' | 'eu-west-1'): Promise<string> =>
      failure(
        client.send(
          new CreateBucketCommand({
            Bucket: name,
            ...(LocationConstraint === undefined
              ? {}
              : { CreateBucketConfiguration: { LocationConstraint } }),
          }),
        ),
      )
    expect(await create('here', 'eu-central-1')).toBe('none')
    expect(await create('there', 'eu-west-1')).toBe('400 InvalidArgument')
    expect(await create('UPPER')).toBe('400 InvalidBucketName')
    expect(await create('ab')).toBe('400 InvalidBucketName')
  })

  test('must exist, otherwise every operation on its contents returns NoSuchBucket', async () => {
    const client = await s3()
    const there = { Bucket: 'missing', Key: 'k' }
    expect(await failure(client.send(new PutObjectCommand({ ...there, Body: 'x' })))).toBe('404 NoSuchBucket')
    expect(await failure(client.send(new GetObjectCommand(there)))).toBe('404 NoSuchBucket')
    expect(await failure(client.send(new DeleteObjectCommand(there)))).toBe('404 NoSuchBucket')
  })

  test('is refused at the start of the emulator if its name is invalid', async () => {
    await expect(emulatorOf({ buckets: ['No'] })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

test('a denied access returns AccessDenied and has no effect', async () => {
  const client = await s3({
    denies: ({ operation, key }) => operation === 'PutObject' && key.startsWith('no/'),
  })
  const put = (Key: string): Promise<string> =>
    failure(client.send(new PutObjectCommand({ Bucket, Key, Body: 'x' })))
  expect(await put('no/a')).toBe('403 AccessDenied')
  expect(await put('yes/a')).toBe('none')
  expect(await failure(bytesAt(client, 'no/a'))).toBe('404 NoSuchKey')
})

test('a large part waits for 100-continue, and is not sent if it is refused', async () => {
  const emulator = await emulatorOf({ denies: ({ key }) => key === 'no' })
  const client = clientOf(emulator, { expectContinueHeader: true })
  const large = patterned(6 * 2 ** 20)
  await client.send(new PutObjectCommand({ Bucket, Key: 'yes', Body: large }))
  expect(Buffer.compare(await bytesAt(client, 'yes'), large)).toBe(0)
  expect(await failure(client.send(new PutObjectCommand({ Bucket, Key: 'no', Body: large })))).toBe(
    '403 AccessDenied',
  )
})

test('a key can have up to 1024 bytes, with dots and slashes', async () => {
  const client = await s3()
  const put = (Key: string): Promise<string> =>
    failure(client.send(new PutObjectCommand({ Bucket, Key, Body: Key })))
  expect(await put('ü'.repeat(512))).toBe('none')
  expect(await put(`${'ü'.repeat(512)}x`)).toBe('400 KeyTooLongError')
  for (const key of ['a//b', 'a/./b', 'a/../b', '/a', 'a/']) {
    expect(await put(key)).toBe('none')
    expect(Buffer.from(await bytesAt(client, key)).toString()).toBe(key)
  }
})

test('times come from the configured clock, rounded down to seconds', async () => {
  const client = await s3({ now: () => new Date(Math.floor(Date.now() / 1000) * 1000 - 60_000 + 999) })
  await client.send(new PutObjectCommand({ Bucket, Key: 'k', Body: 'x' }))
  const { LastModified } = await client.send(new HeadObjectCommand({ Bucket, Key: 'k' }))
  expect(LastModified?.getMilliseconds()).toBe(0)
  expect(LastModified?.getTime()).toBeLessThan(Date.now() - 50_000)
})

test('every response has a date and a request id', async () => {
  const { endpoint } = await emulatorOf()
  const response = await new Promise<http.IncomingMessage>((resolve) => http.get(`${endpoint}/b`, resolve))
  response.resume()
  expect(response.headers.date).toBeDefined()
  expect(response.headers['x-amz-request-id']).toMatch(/^[0-9a-f-]{36}$/)
})
