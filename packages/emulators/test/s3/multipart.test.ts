import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  type CreateMultipartUploadCommandInput,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { Crc32c, crc32cBase64 } from '@holdfast/core/backend'
import { describe, expect, test } from 'vitest'
import { collect, pausingSource, patterned } from '@holdfast/conformance/testing'
import { Bucket, clientOf, emulatorOf, failure, s3, streamed, temporaryFolder } from './emulators.ts'

const partBytes = 5 * 2 ** 20
const parts = [patterned(partBytes, 1), patterned(partBytes + 1, 2), patterned(10, 3)]
const whole = Buffer.concat(parts)
const Key = 'model.bin'

async function begin(
  client: S3Client,
  options: Partial<CreateMultipartUploadCommandInput> = {},
): Promise<string> {
  const { UploadId = '' } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key, ...options }))
  return UploadId
}

async function upload(
  client: S3Client,
  UploadId: string,
  bodies: readonly Uint8Array[] = parts,
): Promise<CompletedPart[]> {
  return await Promise.all(
    bodies.map(async (Body, index) => {
      const part = { Bucket, Key, UploadId, PartNumber: index + 1, Body }
      const { ETag, ChecksumCRC32, ChecksumCRC32C, ChecksumSHA256, ChecksumCRC64NVME } = await client.send(
        new UploadPartCommand(part),
      )
      const sums = { ChecksumCRC32, ChecksumCRC32C, ChecksumSHA256, ChecksumCRC64NVME }
      return { PartNumber: index + 1, ETag, ...sums }
    }),
  )
}

function complete(
  UploadId: string,
  Parts: CompletedPart[],
  options: object = {},
): CompleteMultipartUploadCommand {
  return new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload: { Parts }, ...options })
}

/** Returns a client that adds no checksums by itself. */
async function plain(): Promise<S3Client> {
  return clientOf(await emulatorOf(), { requestChecksumCalculation: 'WHEN_REQUIRED' })
}

async function isAbsent(client: S3Client): Promise<boolean> {
  return (await failure(client.send(new HeadObjectCommand({ Bucket, Key })))) === '404 NotFound'
}

describe.each(['in memory', 'on disk'])('%s', (place) => {
  test('an upload of parts creates an object when it completes, not before', async () => {
    const client = await s3(place === 'on disk' ? { directory: await temporaryFolder() } : {})
    const described = { Metadata: { token: 'abc' }, ContentType: 'application/x-model' }
    const id = await begin(client, described)
    const uploaded = await upload(client, id)
    expect(await isAbsent(client)).toBe(true)
    const { ETag, Location } = await client.send(complete(id, uploaded))
    const digests = parts.map((part) => createHash('md5').update(part).digest())
    expect(ETag).toBe(`"${createHash('md5').update(Buffer.concat(digests)).digest('hex')}-3"`)
    expect(Location).toMatch(/^http:.*model\.bin$/)
    const got = await client.send(new GetObjectCommand({ Bucket, Key }))
    expect(got).toMatchObject({ ...described, ETag, ContentLength: whole.byteLength })
    expect(Buffer.compare(await collect(got.Body as AsyncIterable<Uint8Array>), whole)).toBe(0)
    const [from, to] = [partBytes - 3, 2 * partBytes + 5]
    const range = await client.send(new GetObjectCommand({ Bucket, Key, Range: `bytes=${from}-${to - 1}` }))
    const bytes = await collect(range.Body as AsyncIterable<Uint8Array>)
    expect(Buffer.compare(bytes, whole.subarray(from, to))).toBe(0)
  })
})

describe('completing', () => {
  test('uses the named parts, and removes the other parts and the upload', async () => {
    const client = await plain()
    const id = await begin(client)
    const uploaded = await upload(client, id)
    await client.send(complete(id, uploaded.slice(1)))
    const { ContentLength } = await client.send(new HeadObjectCommand({ Bucket, Key }))
    expect(ContentLength).toBe(partBytes + 11)
    expect(await failure(client.send(complete(id, uploaded)))).toBe('404 NoSuchUpload')
    const abort = new AbortMultipartUploadCommand({ Bucket, Key, UploadId: id })
    expect(await failure(client.send(abort))).toBe('404 NoSuchUpload')
  })

  test('uses the last body of a part that was uploaded twice', async () => {
    const client = await plain()
    const id = await begin(client)
    const [first] = await upload(client, id, [Buffer.from('first')])
    const second = await upload(client, id, [Buffer.from('second')])
    expect(await failure(client.send(complete(id, first === undefined ? [] : [first])))).toBe(
      '400 InvalidPart',
    )
    await client.send(complete(id, second))
    const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }))
    expect(Buffer.from(await collect(Body as AsyncIterable<Uint8Array>)).toString()).toBe('second')
  })

  test.each([
    ['a part that was never uploaded', [{ PartNumber: 7, ETag: '"abc"' }], '400 InvalidPart'],
    ['an entity tag of another part', [{ PartNumber: 1, ETag: '"abc"' }], '400 InvalidPart'],
    ['no parts', [], '400 MalformedXML'],
    ['a part without its entity tag', [{ PartNumber: 1 }], '400 MalformedXML'],
    ['a number that no part has', [{ PartNumber: 10_001, ETag: '"abc"' }], '400 InvalidArgument'],
  ])('refuses %s and keeps the upload', async (_, wrong, expected) => {
    const client = await plain()
    const id = await begin(client)
    const uploaded = await upload(client, id)
    expect(await failure(client.send(complete(id, wrong)))).toBe(expected)
    expect(await isAbsent(client)).toBe(true)
    expect(await failure(client.send(complete(id, uploaded)))).toBe('none')
  })

  test('refuses parts that are not in ascending order', async () => {
    const client = await plain()
    const id = await begin(client)
    const uploaded = await upload(client, id)
    expect(await failure(client.send(complete(id, uploaded.toReversed())))).toBe('400 InvalidPartOrder')
    const twice = [...uploaded.slice(0, 1), ...uploaded]
    expect(await failure(client.send(complete(id, twice)))).toBe('400 InvalidPartOrder')
  })

  test('refuses a part below 5 MiB that is not the last', async () => {
    const client = await plain()
    const id = await begin(client)
    const small = [patterned(partBytes - 1), patterned(1)]
    const uploaded = await upload(client, id, small)
    expect(await failure(client.send(complete(id, uploaded)))).toBe('400 EntityTooSmall')
    expect(await failure(client.send(complete(id, uploaded.slice(0, 1))))).toBe('none')
  })

  test('returns NoSuchUpload for another key or an unknown upload', async () => {
    const client = await plain()
    const id = await begin(client)
    const uploaded = await upload(client, id)
    expect(await failure(client.send(complete(id, uploaded, { Key: 'other' })))).toBe('404 NoSuchUpload')
    expect(await failure(client.send(complete('none', uploaded)))).toBe('404 NoSuchUpload')
  })
})

describe('conditions', () => {
  test('If-None-Match: * returns 412 for an existing key, and keeps the upload until it is aborted', async () => {
    const client = await plain()
    const id = await begin(client)
    const uploaded = await upload(client, id, [Buffer.from('late')])
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'early' }))
    const late = complete(id, uploaded, { IfNoneMatch: '*' })
    expect(await failure(client.send(late))).toBe('412 PreconditionFailed')
    const { Uploads } = await client.send(new ListMultipartUploadsCommand({ Bucket }))
    expect(Uploads?.map(({ UploadId }) => UploadId)).toEqual([id])
    expect((await client.send(new HeadObjectCommand({ Bucket, Key }))).ContentLength).toBe(5)
  })

  test('If-None-Match: * returns 409 and ends the upload if the key was deleted since its start', async () => {
    const client = await plain()
    await client.send(new PutObjectCommand({ Bucket, Key, Body: 'early' }))
    const id = await begin(client)
    const uploaded = await upload(client, id, [Buffer.from('late')])
    await client.send(new DeleteObjectCommand({ Bucket, Key }))
    const late = complete(id, uploaded, { IfNoneMatch: '*' })
    expect(await failure(client.send(late))).toBe('409 ConditionalRequestConflict')
    expect(await failure(client.send(late))).toBe('404 NoSuchUpload')
    expect(await isAbsent(client)).toBe(true)
  })

  test('If-Match replaces only the object with that ETag', async () => {
    const client = await plain()
    const { ETag } = await client.send(new PutObjectCommand({ Bucket, Key, Body: 'early' }))
    const id = await begin(client)
    const uploaded = await upload(client, id, [Buffer.from('late')])
    const wrong = client.send(complete(id, uploaded, { IfMatch: '"abc"' }))
    expect(await failure(wrong)).toBe('412 PreconditionFailed')
    expect(await failure(client.send(complete(id, uploaded, { IfMatch: ETag })))).toBe('none')
  })

  test('exactly one of 16 concurrent conditional completions wins', async () => {
    const emulator = await emulatorOf()
    const clients = Array.from({ length: 16 }, () => clientOf(emulator))
    const ready = await Promise.all(
      clients.map(async (client, index) => {
        const id = await begin(client)
        return { client, id, uploaded: await upload(client, id, [Buffer.from(`writer ${index}`)]) }
      }),
    )
    const results = await Promise.all(
      ready.map(({ client, id, uploaded }) =>
        failure(client.send(complete(id, uploaded, { IfNoneMatch: '*' }))),
      ),
    )
    expect(results.filter((result) => result === 'none')).toHaveLength(1)
    expect(results.filter((result) => result === '412 PreconditionFailed')).toHaveLength(15)
    const { Body } = await clientOf(emulator).send(new GetObjectCommand({ Bucket, Key }))
    const stands = Buffer.from(await collect(Body as AsyncIterable<Uint8Array>)).toString()
    expect(stands).toBe(`writer ${results.indexOf('none')}`)
  })
})

describe('the checksum of the object', () => {
  const expected = {
    CRC32: crc32cBase64(crc32(whole)),
    CRC32C: crc32cBase64(new Crc32c().update(whole).value),
  } as const

  test.each(['CRC32', 'CRC32C'] as const)(
    'FULL_OBJECT %s is the checksum of the bytes',
    async (ChecksumAlgorithm) => {
      const client = await s3()
      const id = await begin(client, { ChecksumAlgorithm, ChecksumType: 'FULL_OBJECT' })
      const uploaded = await uploadWith(client, id, ChecksumAlgorithm)
      const name = `Checksum${ChecksumAlgorithm}` as const
      const wrong = complete(id, uploaded, { ChecksumType: 'FULL_OBJECT', [name]: 'AAAAAA==' })
      expect(await failure(client.send(wrong))).toBe('400 BadDigest')
      const value = expected[ChecksumAlgorithm]
      const right = complete(id, uploaded, { ChecksumType: 'FULL_OBJECT', [name]: value })
      expect(await client.send(right)).toMatchObject({ [name]: value, ChecksumType: 'FULL_OBJECT' })
      const head = await client.send(new HeadObjectCommand({ Bucket, Key, ChecksumMode: 'ENABLED' }))
      expect(head).toMatchObject({ [name]: value, ChecksumType: 'FULL_OBJECT' })
    },
  )

  test('CRC64NVME equals that of a single PUT of the same bytes', async () => {
    const client = await s3()
    const id = await begin(client, { ChecksumAlgorithm: 'CRC64NVME' })
    const uploaded = await uploadWith(client, id, 'CRC64NVME')
    const { ChecksumCRC64NVME, ChecksumType } = await client.send(complete(id, uploaded))
    expect(ChecksumType).toBe('FULL_OBJECT')
    const put = new PutObjectCommand({ Bucket, Key, Body: whole, ChecksumAlgorithm: 'CRC64NVME' })
    expect((await client.send(put)).ChecksumCRC64NVME).toBe(ChecksumCRC64NVME)
  })

  test('is CRC64NVME if the upload names no algorithm', async () => {
    const client = await plain()
    const id = await begin(client)
    const { ChecksumCRC64NVME } = await client.send(complete(id, await upload(client, id)))
    const put = new PutObjectCommand({ Bucket, Key, Body: whole, ChecksumAlgorithm: 'CRC64NVME' })
    expect((await client.send(put)).ChecksumCRC64NVME).toBe(ChecksumCRC64NVME)
  })

  test.each(['CRC32', 'SHA256'] as const)(
    'COMPOSITE %s is the checksum of the checksums of the parts, which the client must send',
    async (ChecksumAlgorithm) => {
      const client = await s3()
      const id = await begin(client, { ChecksumAlgorithm })
      const uploaded = await uploadWith(client, id, ChecksumAlgorithm)
      const name = `Checksum${ChecksumAlgorithm}` as const
      const unnamed = uploaded.map(({ PartNumber, ETag }) => ({ PartNumber, ETag }))
      expect(await failure(client.send(complete(id, unnamed)))).toBe('400 InvalidRequest')
      const misnamed = uploaded.map((part) => ({ ...part, [name]: uploaded[0]?.[name] }))
      expect(await failure(client.send(complete(id, misnamed)))).toBe('400 InvalidPart')
      const { [name]: value, ChecksumType } = await client.send(complete(id, uploaded))
      const sums = Buffer.concat(uploaded.map((part) => Buffer.from(part[name] ?? '', 'base64')))
      const digest =
        ChecksumAlgorithm === 'SHA256'
          ? createHash('sha256').update(sums).digest('base64')
          : crc32cBase64(crc32(sums))
      expect(ChecksumType).toBe('COMPOSITE')
      expect(value).toBe(`${digest}-3`)
    },
  )

  test('cannot have a combination that S3 does not support', async () => {
    const client = await s3()
    const tries = [
      { ChecksumAlgorithm: 'SHA256', ChecksumType: 'FULL_OBJECT' },
      { ChecksumAlgorithm: 'CRC64NVME', ChecksumType: 'COMPOSITE' },
    ] as const
    for (const options of tries) expect(await failure(begin(client, options))).toBe('400 InvalidRequest')
    expect(await failure(begin(client, { ChecksumAlgorithm: 'SHA1' }))).toBe('501 NotImplemented')
    expect(await failure(begin(await plain(), { ChecksumType: 'FULL_OBJECT' }))).toBe('400 InvalidRequest')
  })

  test('requires the algorithm of the upload in each part', async () => {
    const client = await s3()
    const id = await begin(client, { ChecksumAlgorithm: 'CRC32C' })
    const part = { Bucket, Key, UploadId: id, PartNumber: 1, Body: patterned(10) }
    const other = new UploadPartCommand({ ...part, ChecksumAlgorithm: 'CRC32' })
    expect(await failure(client.send(other))).toBe('400 InvalidRequest')
    const wrong = new UploadPartCommand({ ...part, ChecksumCRC32C: 'AAAAAA==' })
    expect(await failure(client.send(wrong))).toBe('400 BadDigest')
    const bare = clientOf(await emulatorOf(), { requestChecksumCalculation: 'WHEN_REQUIRED' })
    const composite = await begin(bare, { ChecksumAlgorithm: 'CRC32C' })
    const none = new UploadPartCommand({ ...part, UploadId: composite })
    expect(await failure(bare.send(none))).toBe('400 InvalidRequest')
    const full = await begin(bare, { ChecksumAlgorithm: 'CRC32C', ChecksumType: 'FULL_OBJECT' })
    expect(await failure(bare.send(new UploadPartCommand({ ...part, UploadId: full })))).toBe('none')
  })

  test('is refused if its type, or the size, differs from that of the upload', async () => {
    const client = await plain()
    const id = await begin(client, { ChecksumAlgorithm: 'CRC32C', ChecksumType: 'FULL_OBJECT' })
    const uploaded = await upload(client, id)
    const tries = [{ ChecksumType: 'COMPOSITE' }, { MpuObjectSize: 7 }, { ChecksumCRC32C: 'no' }]
    for (const options of tries)
      expect(await failure(client.send(complete(id, uploaded, options)))).toBe('400 InvalidRequest')
    const right = complete(id, uploaded, { MpuObjectSize: whole.byteLength })
    expect(await failure(client.send(right))).toBe('none')
  })

  async function uploadWith(
    client: S3Client,
    UploadId: string,
    ChecksumAlgorithm: 'CRC32' | 'CRC32C' | 'CRC64NVME' | 'SHA256',
  ): Promise<CompletedPart[]> {
    return await Promise.all(
      parts.map(async (Body, index) => {
        const part = { Bucket, Key, UploadId, PartNumber: index + 1, Body, ChecksumAlgorithm }
        const name = `Checksum${ChecksumAlgorithm}` as const
        const { ETag, [name]: sum } = await client.send(new UploadPartCommand(part))
        expect(sum).toBeDefined()
        return { PartNumber: index + 1, ETag, [name]: sum }
      }),
    )
  }
})

describe('aborting', () => {
  test('discards the parts and the upload, and returns NoSuchUpload the second time', async () => {
    const client = await plain()
    const id = await begin(client)
    const uploaded = await upload(client, id)
    const abort = new AbortMultipartUploadCommand({ Bucket, Key, UploadId: id })
    expect((await client.send(abort)).$metadata.httpStatusCode).toBe(204)
    expect(await failure(client.send(abort))).toBe('404 NoSuchUpload')
    expect(await failure(client.send(complete(id, uploaded)))).toBe('404 NoSuchUpload')
    const list = new ListPartsCommand({ Bucket, Key, UploadId: id })
    expect(await failure(client.send(list))).toBe('404 NoSuchUpload')
    expect((await client.send(new ListMultipartUploadsCommand({ Bucket }))).Uploads).toBeUndefined()
  })

  test('makes a part that is being uploaded fail with NoSuchUpload, and discards it', async () => {
    const arrived = Promise.withResolvers<undefined>()
    const client = await s3({
      denies: ({ operation }) => {
        if (operation === 'UploadPart') arrived.resolve(undefined)
        return false
      },
    })
    const id = await begin(client)
    const { source, resume } = pausingSource(patterned(1000), patterned(1000))
    const part = { Bucket, Key, UploadId: id, PartNumber: 1, ...streamed(source, 2000) }
    const sent = failure(client.send(new UploadPartCommand(part)))
    await arrived.promise
    await client.send(new AbortMultipartUploadCommand({ Bucket, Key, UploadId: id }))
    resume()
    expect(await sent).toBe('404 NoSuchUpload')
  })
})

test.each([0, 10_001])('refuses the part number %i', async (PartNumber) => {
  const client = await plain()
  const part = { Bucket, Key, UploadId: await begin(client), PartNumber, Body: 'x' }
  expect(await failure(client.send(new UploadPartCommand(part)))).toBe('400 InvalidArgument')
})

describe('the parts of an upload', () => {
  test('are listed in the order of their numbers, in pages', async () => {
    const client = await s3()
    const id = await begin(client, { ChecksumAlgorithm: 'CRC32C', ChecksumType: 'FULL_OBJECT' })
    for (const PartNumber of [3, 1, 20, 10_000])
      await client.send(
        new UploadPartCommand({
          Bucket,
          Key,
          UploadId: id,
          PartNumber,
          Body: patterned(PartNumber),
          ChecksumAlgorithm: 'CRC32C',
        }),
      )
    const page = (options: object): ListPartsCommand =>
      new ListPartsCommand({ Bucket, Key, UploadId: id, ...options })
    const first = await client.send(page({ MaxParts: 3 }))
    expect(first.Parts?.map(({ PartNumber, Size }) => [PartNumber, Size])).toEqual([
      [1, 1],
      [3, 3],
      [20, 20],
    ])
    expect(first).toMatchObject({
      IsTruncated: true,
      NextPartNumberMarker: '20',
      ChecksumAlgorithm: 'CRC32C',
      ChecksumType: 'FULL_OBJECT',
    })
    const rest = await client.send(page({ PartNumberMarker: first.NextPartNumberMarker }))
    expect(rest.IsTruncated).toBe(false)
    expect(rest.Parts).toMatchObject([
      {
        PartNumber: 10_000,
        Size: 10_000,
        ETag: `"${createHash('md5').update(patterned(10_000)).digest('hex')}"`,
        ChecksumCRC32C: crc32cBase64(new Crc32c().update(patterned(10_000)).value),
      },
    ])
  })
})
