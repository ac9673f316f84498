import {
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { describe, expect, test } from 'vitest'
import { collect, oddChunks, patterned } from '@holdfast/conformance/testing'
import { decodeChunked } from '../../src/s3/chunked.ts'
import { parseXml, writeXml } from '../../src/s3/xml.ts'
import { send } from '../requests.ts'
import { Bucket, clientOf, emulatorOf, failure, s3, streamed } from './emulators.ts'

/** A request of the SDK before it is sent. */
interface Request {
  readonly headers: Record<string, string>
  readonly query: Record<string, string>
  method: string
  path: string
  body: unknown
}

/** Makes a client change each request, before or after signing it. */
function altering(client: S3Client, when: 'before' | 'after', change: (request: Request) => void): S3Client {
  const middleware =
    <Args, Result>(next: (args: Args) => Promise<Result>) =>
    async (args: Args): Promise<Result> => {
      change((args as { readonly request: Request }).request)
      return await next(args)
    }
  if (when === 'before') client.middlewareStack.add(middleware, { step: 'build', priority: 'low' })
  else client.middlewareStack.add(middleware, { step: 'deserialize', priority: 'low' })
  return client
}

const put = (): PutObjectCommand => new PutObjectCommand({ Bucket, Key: 'a b/ü', Body: 'body' })

describe('a signature', () => {
  test('is accepted on every kind of request if its key is right', async () => {
    const credentials = { accessKeyId: 'AKID', secretAccessKey: 'se/cret+', sessionToken: 'to/ken==' }
    const client = await s3({ credentials, region: 'eu-central-1' })
    await client.send(put())
    await client
      .send(new GetObjectCommand({ Bucket, Key: 'a b/ü' }))
      .then(({ Body }) => Body?.transformToString())
    await client.send(new ListObjectsV2Command({ Bucket, Prefix: "a b/!'()*+&=", StartAfter: '🚀' }))
    await client.send(
      new PutObjectCommand({ Bucket, Key: "!'()*~$&=+,;:@%", Body: 'x', Metadata: { a: 'b  c' } }),
    )
    await client.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: [{ Key: 'x' }] } }))
    expect(await failure(client.send(new HeadObjectCommand({ Bucket, Key: 'a b/ü' })))).toBe('none')
  })

  test.each([
    [{ accessKeyId: 'emulator', secretAccessKey: 'wrong' }, '403 SignatureDoesNotMatch'],
    [{ accessKeyId: 'nobody', secretAccessKey: 'emulator-secret' }, '403 InvalidAccessKeyId'],
    [{ accessKeyId: 'emulator', secretAccessKey: 'emulator-secret', sessionToken: 'x' }, '400 InvalidToken'],
  ])('is refused for the credentials %j', async (credentials, expected) => {
    const emulator = await emulatorOf()
    const client = clientOf({ ...emulator, credentials })
    expect(await failure(client.send(put()))).toBe(expected)
    expect(await failure(clientOf(emulator).send(new HeadObjectCommand({ Bucket, Key: 'a b/ü' })))).toBe(
      '404 NotFound',
    )
  })

  test('is refused for another region, and the error contains the right region', async () => {
    const client = clientOf({ ...(await emulatorOf({ region: 'eu-west-1' })), region: 'us-east-1' })
    await expect(client.send(put())).rejects.toMatchObject({
      name: 'AuthorizationHeaderMalformed',
      Region: 'eu-west-1',
    })
  })

  test('is refused if its clock is wrong, and the error contains the right time', async () => {
    const client = await s3({ now: () => new Date(Date.now() - 16 * 60_000) })
    expect(await failure(client.send(put()))).toBe('403 RequestTimeTooSkewed')
    const near = await s3({ now: () => new Date(Date.now() - 14 * 60_000) })
    expect(await failure(near.send(put()))).toBe('none')
  })

  test.each<readonly [string, (request: Request) => unknown, string]>([
    ['the method', (request) => (request.method = 'POST'), '403 SignatureDoesNotMatch'],
    ['the key', (request) => (request.path += 'x'), '403 SignatureDoesNotMatch'],
    ['a parameter', (request) => (request.query['prefix'] = 'x'), '403 SignatureDoesNotMatch'],
    [
      'a header',
      (request) => (request.headers['x-amz-date'] = '20200101T000000Z'),
      '403 RequestTimeTooSkewed',
    ],
    ['Host', (request) => (request.headers['host'] = 'example.org'), '403 SignatureDoesNotMatch'],
    ['the body', (request) => (request.body = 'bodx'), '400 XAmzContentSHA256Mismatch'],
    ['an unsigned header', (request) => (request.headers['x-amz-meta-a'] = 'b'), '403 AccessDenied'],
    ['the hash', (request) => delete request.headers['x-amz-content-sha256'], '403 SignatureDoesNotMatch'],
    ['the time', (request) => delete request.headers['x-amz-date'], '403 AccessDenied'],
    ['the signature', (request) => delete request.headers['authorization'], '403 AccessDenied'],
    [
      'its form',
      (request) => (request.headers['authorization'] = 'AWS a:b'),
      '400 AuthorizationHeaderMalformed',
    ],
  ])('becomes invalid by a change of %s', async (_, change, expected) => {
    const client = clientOf(await emulatorOf(), { requestChecksumCalculation: 'WHEN_REQUIRED' })
    expect(await failure(altering(client, 'after', change).send(put()))).toBe(expected)
  })

  test('can exclude the body', async () => {
    const client = altering(await s3(), 'before', ({ headers }) => {
      headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD'
    })
    expect(await failure(client.send(put()))).toBe('none')
    const tampered = altering(client, 'after', (request) => (request.body = 'bodx'))
    expect(await failure(tampered.send(put()))).toBe('400 BadDigest') // by the checksum of the SDK
  })

  test.each([
    ['STREAMING-AWS4-HMAC-SHA256-PAYLOAD', '501 NotImplemented'],
    ['abc', '400 InvalidArgument'],
    ['STREAMING-UNSIGNED-PAYLOAD-TRAILER', '400 InvalidRequest'], // without the framing
  ])('is refused if it describes the body as %s', async (hash, expected) => {
    const client = altering(await s3(), 'before', ({ headers }) => {
      headers['x-amz-content-sha256'] = hash
    })
    expect(await failure(client.send(put()))).toBe(expected)
  })
})

describe('a request is refused', () => {
  test.each<readonly [string, (request: Request) => unknown]>([
    ['an unsupported parameter', ({ query }) => (query['versionId'] = '1')],
    ['an unsupported operation', ({ query }) => (query['acl'] = '')],
    ['an unsupported header', ({ headers }) => (headers['x-amz-tagging'] = 'a=b')],
    [
      'an unsupported condition',
      ({ headers }) => (headers['if-unmodified-since'] = new Date().toUTCString()),
    ],
    ['an expected bucket owner', ({ headers }) => (headers['x-amz-expected-bucket-owner'] = '123')],
    ['an unsupported method', (request) => (request.method = 'PATCH')],
  ])('because of %s', async (_, change) => {
    const client = altering(await s3(), 'before', change)
    expect(await failure(client.send(put()))).toBe('501 NotImplemented')
  })

  test('because it names no bucket', async () => {
    const client = altering(await s3(), 'before', (request) => (request.path = '/'))
    expect(await failure(client.send(put()))).toBe('501 NotImplemented')
  })

  test('because it repeats a parameter', async () => {
    const { endpoint } = await emulatorOf()
    const answer = await send(endpoint, 'GET', `/${Bucket}?prefix=a&prefix=b`)
    expect(answer.status).toBe(400)
    expect(answer.body).toContain('<Code>InvalidArgument</Code>')
  })

  test('because its address cannot be decoded', async () => {
    const { endpoint } = await emulatorOf()
    const answer = await send(endpoint, 'GET', `/${Bucket}/%FF`)
    expect(answer.status).toBe(400)
    expect(answer.body).toContain('<Code>InvalidURI</Code>')
  })
})

test('an error names its cause', async () => {
  const { endpoint } = await emulatorOf()
  const { body, headers } = await send(endpoint, 'GET', `/${Bucket}/a%26b`)
  expect(headers['content-type']).toBe('application/xml')
  const error = parseXml(body, 'Error')
  expect(error.children.map(({ name, text }) => [name, text])).toEqual([
    ['Code', 'AccessDenied'],
    ['Message', 'Access Denied'],
    ['Resource', `/${Bucket}/a%26b`],
    ['RequestId', headers['x-amz-request-id']],
    ['HostId', 'emulator'],
  ])
})

test('the response confirms x-amz-request-payer', async () => {
  const client = await s3()
  const put = new PutObjectCommand({ Bucket, Key: 'k', Body: 'x', RequestPayer: 'requester' })
  expect((await client.send(put)).RequestCharged).toBe('requester')
})

describe('a body', () => {
  test('is refused without a length', async () => {
    const client = clientOf(await emulatorOf())
    altering(client, 'before', (request) => {
      request.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD'
      delete request.headers['content-length']
    })
    altering(client, 'after', (request) => {
      request.headers['transfer-encoding'] = 'chunked'
    })
    expect(await failure(client.send(put()))).toBe('411 MissingContentLength')
  })

  test('is refused before it is sent if it exceeds 5 GiB', async () => {
    const client = await s3()
    const large = { ...streamed(oddChunks(Buffer.alloc(10)), 5 * 2 ** 30 + 1) }
    const call = client.send(new PutObjectCommand({ Bucket, Key: 'k', ...large }))
    expect(await failure(call)).toBe('400 EntityTooLarge')
  })

  test('is refused if its chunks are shorter than announced', async () => {
    const client = altering(await s3(), 'before', (request) => {
      if (request.headers['x-amz-decoded-content-length'] !== undefined)
        request.headers['x-amz-decoded-content-length'] = '101'
    })
    const call = client.send(
      new PutObjectCommand({ Bucket, Key: 'k', ...streamed(oddChunks(patterned(100)), 100) }),
    )
    expect(await failure(call)).toBe('400 IncompleteBody')
  })

  test('is refused if the trailer after its chunks differs from the announced one', async () => {
    const client = altering(await s3(), 'before', (request) => {
      request.headers['x-amz-trailer'] = 'x-amz-checksum-sha256'
      delete request.headers['x-amz-sdk-checksum-algorithm']
    })
    const call = client.send(
      new PutObjectCommand({ Bucket, Key: 'k', ...streamed(oddChunks(patterned(100)), 100) }),
    )
    expect(await failure(call)).toBe('400 MalformedTrailerError')
  })

  test('is refused if it names a checksum algorithm without a checksum', async () => {
    const client = altering(await s3(), 'before', (request) => {
      delete request.headers['x-amz-checksum-crc32']
    })
    expect(await failure(client.send(put()))).toBe('400 InvalidRequest')
  })

  test('requires a digest in DeleteObjects', async () => {
    const client = altering(await s3(), 'before', (request) => {
      delete request.headers['x-amz-checksum-crc32']
      delete request.headers['x-amz-sdk-checksum-algorithm']
    })
    const Delete = { Objects: [{ Key: 'x' }] }
    expect(await failure(client.send(new DeleteObjectsCommand({ Bucket, Delete })))).toBe(
      '400 InvalidRequest',
    )
  })
})

describe('the framing of aws-chunked', () => {
  async function decode(text: string, cut: number): Promise<readonly [string, Record<string, string>]> {
    const bytes = Buffer.from(text)
    const trailers = new Map<string, string>()
    async function* source(): AsyncGenerator<Uint8Array> {
      for (let start = 0; start < bytes.byteLength; start += cut) yield bytes.subarray(start, start + cut)
    }
    const decoded = await collect(decodeChunked(source(), trailers))
    return [Buffer.from(decoded).toString(), Object.fromEntries(trailers)]
  }

  test.each([1, 2, 3, 5, 100])('is removed from a body that arrives in pieces of %i', async (cut) => {
    const framed = '3\r\nabc\r\nA\r\n0123\r\n4567\r\n0\r\nX-Sum: 1=\r\nb:2\r\n\r\n'
    expect(await decode(framed, cut)).toEqual(['abc0123\r\n4567', { 'x-sum': '1=', b: '2' }])
    expect(await decode('0\r\n\r\n', cut)).toEqual(['', {}])
  })

  test.each([
    ['', 'IncompleteBody'],
    ['3\r\nab', 'IncompleteBody'],
    ['3\r\nabcd\r\n0\r\n\r\n', 'IncompleteBody'],
    ['x\r\nabc\r\n0\r\n\r\n', 'IncompleteBody'],
    ['3;chunk-signature=1\r\nabc\r\n0\r\n\r\n', 'IncompleteBody'],
    ['3\r\nabc\r\n', 'IncompleteBody'],
    ['3\r\nabc\r\n0\r\n', 'IncompleteBody'],
    ['0\r\n\r\nmore', 'IncompleteBody'],
    ['0\r\nno colon\r\n\r\n', 'MalformedTrailerError'],
    ['1'.repeat(10_000), 'IncompleteBody'],
  ])('is refused if invalid: %j', async (framed, code) => {
    await expect(decode(framed, 7)).rejects.toMatchObject({ code })
  })
})

describe('a document', () => {
  test('is parsed to what was written', () => {
    const text = 'a <&> "b" \'c\' \t\n\r ü 🚀 \u0001'
    const written = writeXml('Root', { One: text, Two: [1, { In: true }], Three: undefined, Four: '' })
    expect(parseXml(written, 'Root').children).toEqual([
      { name: 'One', text, children: [] },
      { name: 'Two', text: '1', children: [] },
      { name: 'Two', text: '', children: [{ name: 'In', text: 'true', children: [] }] },
      { name: 'Four', text: '', children: [] },
    ])
  })

  test('can have references, empty elements and white space between elements', () => {
    const element = parseXml(
      '<?xml version="1.0"?>\n<A xmlns="u">\n <B/>\n <C>&lt;&#65;&#x1F680;</C></A>\n',
      'A',
    )
    expect(element.children).toEqual([
      { name: 'B', text: '', children: [] },
      { name: 'C', text: '<A🚀', children: [] },
    ])
  })

  test.each([
    '',
    '<A>',
    '<A></B>',
    '</A>',
    '<B></B>',
    '<A></A><A></A>',
    'text',
    '<A>&unknown;</A>',
    '<A>& </A>',
    '<A>&#x110000;</A>',
    '<A b="c"></A>',
    '<A><!-- c --></A>',
    '<!DOCTYPE A><A></A>',
    '<A><![CDATA[x]]></A>',
  ])('is rejected with MalformedXML: %j', (document) => {
    expect(() => parseXml(document, 'A')).toThrow(expect.objectContaining({ code: 'MalformedXML' }))
  })
})

test('accepts the signature of metadata with several spaces in a row', async () => {
  const client = await s3()
  const begin = new CreateMultipartUploadCommand({ Bucket, Key: 'k', Metadata: { a: 'x   y' } })
  expect(await failure(client.send(begin))).toBe('none')
})
