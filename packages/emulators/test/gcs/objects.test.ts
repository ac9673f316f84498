import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { type Bucket, type File, type FileMetadata, Storage } from '@google-cloud/storage'
import { Crc32c, crc32cBase64 } from '@holdfast/core/backend'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { oddChunks, patterned } from '@holdfast/conformance/testing'
import { send } from '../requests.ts'
import { temporaryFolder } from '../s3/emulators.ts'
import {
  begin,
  bucketName,
  chunk,
  emulatorOf,
  failure,
  gcs,
  reasonOf,
  storageOf,
  uploads,
} from './emulators.ts'

const body = patterned(100_000)
const crc32c = (bytes: Uint8Array): string => crc32cBase64(new Crc32c().update(bytes).value)
const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('base64')
const simple = { resumable: false, validation: false } as const

async function save(bucket: Bucket, name: string, bytes: Uint8Array | string = body): Promise<File> {
  const file = bucket.file(name)
  await file.save(bytes, simple)
  return file
}

async function textAt(bucket: Bucket, name: string): Promise<string> {
  const [bytes] = await bucket.file(name).download()
  return bytes.toString()
}

function generationOf(file: File): number {
  return Number(file.metadata.generation)
}

describe.each(['in memory', 'on disk'])('%s', (place) => {
  const start = async (): Promise<Bucket> =>
    gcs(place === 'on disk' ? { directory: await temporaryFolder() } : {})

  test.each([0, 1, 65_536, 3_000_000])('returns an object of %i bytes unchanged', async (size) => {
    const bucket = await start()
    const bytes = patterned(size)
    for (const resumable of [false, true]) {
      const file = bucket.file(`a/b c+d%/ü?#&${resumable}`)
      await file.save(bytes, { resumable }) // the SDK verifies the hashes of the response
      const [read] = await file.download()
      expect(Buffer.compare(read, bytes)).toBe(0)
      const [metadata] = await file.getMetadata()
      expect(metadata).toMatchObject({
        name: file.name,
        bucket: bucketName,
        size: String(size),
        crc32c: crc32c(bytes),
        md5Hash: md5(bytes),
        metageneration: '1',
        storageClass: 'STANDARD',
      })
    }
  })

  test('completes a download if its object is replaced or deleted during the download', async () => {
    const bucket = await start()
    const large = patterned(8 * 2 ** 20)
    for (const change of [() => save(bucket, 'k', 'other'), () => bucket.file('k').delete()]) {
      const file = await save(bucket, 'k', large)
      const stream = file.createReadStream({ validation: false })
      const first = await new Promise<Buffer>((resolve) =>
        stream.once('data', resolve).once('data', () => stream.pause()),
      )
      await change()
      const rest: Buffer[] = [first]
      for await (const piece of stream as AsyncIterable<Buffer>) rest.push(piece)
      expect(Buffer.compare(Buffer.concat(rest), large)).toBe(0)
    }
  })
})

test.each([
  [0, 9, 0, 10],
  [99_990, undefined, 99_990, 100_000],
  [50, 1_000_000, 50, 100_000],
])('returns the range from %s to %s', async (start, end, from, to) => {
  const file = await save(await gcs(), 'k')
  const [bytes] = await file.download(end === undefined ? { start } : { start, end })
  expect(Buffer.compare(bytes, body.subarray(from, to))).toBe(0)
})

test('describes the object in the headers of a full or partial download', async () => {
  const { endpoint } = await emulatorOf()
  const file = await save(storageOf({ endpoint }).bucket(bucketName), 'k')
  const target = `/storage/v1/b/${bucketName}/o/k?alt=media`
  const expected = {
    'x-goog-hash': `crc32c=${crc32c(body)},md5=${md5(body)}`,
    'x-goog-generation': String(file.metadata.generation),
    'x-goog-metageneration': '1',
    'x-goog-stored-content-length': '100000',
    'x-goog-stored-content-encoding': 'identity',
    'accept-ranges': 'bytes',
  }
  const whole = await send(endpoint, 'GET', target)
  expect(whole).toMatchObject({ status: 200, headers: { ...expected, 'content-length': '100000' } })
  const part = await send(endpoint, 'GET', target, [['Range', 'bytes=-10']])
  const range = { 'content-length': '10', 'content-range': 'bytes 99990-99999/100000' }
  expect(part).toMatchObject({ status: 206, headers: { ...expected, ...range } })
  const ignored = await send(endpoint, 'GET', target, [['Range', 'bytes=5-2']])
  expect(ignored.status).toBe(200)
})

test('returns 416 for a range beyond the end', async () => {
  const bucket = await gcs()
  const file = await save(bucket, 'k')
  expect(await failure(file.download({ start: 100_000 }))).toBe('416')
  const empty = await save(bucket, 'empty', '')
  expect(await failure(empty.download({ start: 0, end: 1 }))).toBe('416')
})

describe('metadata', () => {
  const described = {
    contentType: 'application/json',
    cacheControl: 'no-store',
    contentDisposition: 'attachment',
    contentLanguage: 'de',
    storageClass: 'NEARLINE',
    metadata: { token: 'abc', two: 'ü' },
  }

  test.each([true, false])('is returned with the object (resumable: %s)', async (resumable) => {
    const bucket = await gcs()
    await bucket.file('k', { kmsKeyName: 'key' }).save(body, { resumable, metadata: described })
    const [metadata] = await bucket.file('k').getMetadata()
    expect(metadata).toMatchObject({ ...described, kmsKeyName: 'key' })
  })

  test('can be changed, which increments only the metageneration', async () => {
    const bucket = await gcs()
    const file = await save(bucket, 'k')
    await file.setMetadata({ metadata: { a: 'b', c: 'd' }, contentType: 'text/plain' })
    await file.setMetadata({ metadata: { a: null } })
    const [metadata] = await bucket.file('k').getMetadata()
    expect(metadata).toMatchObject({
      metadata: { c: 'd' },
      contentType: 'text/plain',
      metageneration: '3',
      generation: file.metadata.generation,
    })
    expect(await textAt(bucket, 'k')).toBe(Buffer.from(body).toString())
  })

  test.each<FileMetadata>([
    { storageClass: 'CHEAP' },
    { metadata: { long: 'x'.repeat(8192) } },
    { crc32c: 'no' },
    { md5Hash: 'no' },
    { cacheControl: 7 as unknown as string },
    { metadata: { a: 7 } },
  ])('is refused if it is invalid: %j', async (metadata) => {
    const bucket = await gcs()
    for (const resumable of [true, false]) {
      const call = bucket.file('k').save(body, { resumable, metadata, validation: false })
      expect(await failure(call)).toMatch(/^400/)
    }
  })

  test('is refused if it is unsupported', async () => {
    const bucket = await gcs()
    const call = bucket.file('k').save(body, { ...simple, metadata: { temporaryHold: true } })
    expect(await failure(call)).toBe('501 notImplemented')
  })
})

describe('generations and preconditions', () => {
  test('a generation grows with every write, even after a delete', async () => {
    const bucket = await gcs({ now: () => new Date(0) }) // the clock stands still
    const generations: number[] = []
    for (let round = 0; round < 3; round += 1) {
      generations.push(generationOf(await save(bucket, 'k')))
      generations.push(generationOf(await save(bucket, 'k')))
      await bucket.file('k').delete()
    }
    expect(generations).toEqual(generations.toSorted((one, other) => one - other))
    expect(new Set(generations).size).toBe(6)
  })

  test.each([true, false])(
    'ifGenerationMatch: 0 creates an absent object, and returns 412 for an existing one (resumable: %s)',
    async (resumable) => {
      const bucket = await gcs()
      const create = (text: string): Promise<void> =>
        bucket
          .file('k')
          .save(text, { resumable, validation: false, preconditionOpts: { ifGenerationMatch: 0 } })
      await create('first')
      expect(await failure(create('second'))).toMatch(/^412/)
      expect(await textAt(bucket, 'k')).toBe('first')
      await bucket.file('k').delete()
      await create('third')
      expect(await textAt(bucket, 'k')).toBe('third')
    },
  )

  test.each([true, false])(
    'exactly one of 24 concurrent creates wins, and its bytes stay (resumable: %s)',
    async (resumable) => {
      const bucket = await gcs()
      for (let round = 0; round < 4; round += 1) {
        const name = `k${round}`
        const results = await Promise.all(
          Array.from({ length: 24 }, (_, index) =>
            failure(
              bucket.file(name).save(`writer ${index}`, {
                resumable,
                validation: false,
                preconditionOpts: { ifGenerationMatch: 0 },
              }),
            ),
          ),
        )
        expect(results.filter((result) => result === 'none')).toHaveLength(1)
        expect(results.filter((result) => result.startsWith('412'))).toHaveLength(23)
        expect(await textAt(bucket, name)).toBe(`writer ${results.indexOf('none')}`)
      }
    },
  )

  test('every condition is checked on every method that supports it', async () => {
    const bucket = await gcs()
    const file = await save(bucket, 'k')
    const is = generationOf(file)
    const conditions = [
      [{ ifGenerationMatch: is }, { ifGenerationMatch: is + 1 }],
      [{ ifGenerationNotMatch: is + 1 }, { ifGenerationNotMatch: is }],
      [{ ifMetagenerationMatch: 1 }, { ifMetagenerationMatch: 2 }],
      [{ ifMetagenerationNotMatch: 2 }, { ifMetagenerationNotMatch: 1 }],
    ] as const
    const { endpoint } = await emulatorOf()
    const raw = storageOf({ endpoint }).bucket(bucketName)
    for (const [holds, doesNot] of conditions) {
      const live = await save(raw, 'k')
      const shifted = (condition: object): string =>
        Object.entries(condition)
          .map(
            ([name, value]) =>
              `${name}=${Number(value) - (name.includes('Meta') ? 0 : is - generationOf(live))}`,
          )
          .join()
      const object = `/storage/v1/b/${bucketName}/o/k`
      const isRead = (method: string, condition: object): number =>
        method === 'GET' && Object.keys(condition).join().includes('NotMatch') ? 304 : 412
      for (const [method, target] of [
        ['GET', `${object}?`],
        ['GET', `${object}?alt=media&`],
        ['PATCH', `${object}?`],
        ['POST', `${uploads}?uploadType=media&name=k&`],
        ['DELETE', `${object}?`],
      ] as const) {
        const refused = await send(endpoint, method, target + shifted(doesNot))
        expect([method, target, refused.status]).toEqual([method, target, isRead(method, doesNot)])
        if (method === 'PATCH' || method === 'POST') continue
        const done = await send(endpoint, method, target + shifted(holds))
        expect([method, target, done.status]).toEqual([method, target, method === 'DELETE' ? 204 : 200])
      }
    }
    for (const [holds] of conditions) {
      const again = await save(bucket, 'again')
      const shift =
        'ifMetagenerationMatch' in holds || 'ifMetagenerationNotMatch' in holds ? 0 : generationOf(again) - is
      const moved = Object.fromEntries(Object.entries(holds).map(([name, value]) => [name, value + shift]))
      expect(await failure(again.setMetadata({ metadata: { a: 'b' } }, moved))).toBe('none')
      await save(bucket, 'again')
    }
  })

  test('an absent object has generation 0 for writes, and other requests for it return 404', async () => {
    const { endpoint } = await emulatorOf()
    const insert = `${uploads}?uploadType=media&name=k&`
    expect((await send(endpoint, 'POST', `${insert}ifGenerationMatch=5`)).status).toBe(412)
    expect((await send(endpoint, 'POST', `${insert}ifGenerationNotMatch=0`)).status).toBe(412)
    expect((await send(endpoint, 'POST', `${insert}ifMetagenerationMatch=1`)).status).toBe(412)
    const object = `/storage/v1/b/${bucketName}/o/k?ifGenerationMatch=5`
    for (const method of ['GET', 'DELETE', 'PATCH'])
      expect((await send(endpoint, method, object)).status).toBe(404)
    expect((await send(endpoint, 'POST', `${insert}ifGenerationNotMatch=5`)).status).toBe(200)
  })

  test('a read or a delete that names another generation returns 404', async () => {
    const bucket = await gcs()
    const old = generationOf(await save(bucket, 'k', 'old'))
    const now = generationOf(await save(bucket, 'k', 'new'))
    expect(await failure(bucket.file('k', { generation: old }).getMetadata())).toBe('404 notFound')
    expect(await failure(bucket.file('k', { generation: old }).delete())).toBe('404 notFound')
    expect(await failure(bucket.file('k', { generation: old }).download())).toBe('404')
    expect((await bucket.file('k', { generation: now }).download())[0].toString()).toBe('new')
    await bucket.file('k', { generation: now }).delete()
  })

  test('a condition that is not a number is refused', async () => {
    const { endpoint } = await emulatorOf()
    const answer = await send(endpoint, 'GET', `/storage/v1/b/${bucketName}/o/k?ifGenerationMatch=x`)
    expect([answer.status, reasonOf(answer)]).toEqual([400, 'invalid'])
  })
})

describe('hashes', () => {
  test.each([true, false])(
    'are verified if the metadata contains them (resumable: %s)',
    async (resumable) => {
      const bucket = await gcs()
      const put = (metadata: FileMetadata): Promise<string> =>
        failure(bucket.file('k').save(body, { resumable, validation: false, metadata }))
      expect(await put({ crc32c: crc32c(patterned(1)) })).toMatch(/^400/)
      expect(await put({ md5Hash: md5(patterned(1)) })).toMatch(/^400/)
      expect(await failure(bucket.file('k').getMetadata())).toBe('404 notFound')
      expect(await put({ crc32c: crc32c(body), md5Hash: md5(body) })).toBe('none')
    },
  )

  test('are verified if x-goog-hash contains them', async () => {
    const { endpoint } = await emulatorOf()
    const put = (hash: string): Promise<{ readonly status: number }> =>
      send(endpoint, 'POST', `${uploads}?uploadType=media&name=k`, [['x-goog-hash', hash]], body)
    expect((await put(`crc32c=${crc32c(patterned(1))}`)).status).toBe(400)
    expect((await put(`crc32c=${crc32c(body)},md5=${md5(patterned(1))}`)).status).toBe(400)
    expect((await put('sha1=abc')).status).toBe(400)
    expect((await put(`crc32c=${crc32c(body)}, md5=${md5(body)}`)).status).toBe(200)
  })

  test('are refused if two of them differ', async () => {
    const { endpoint } = await emulatorOf()
    const target = await begin(endpoint, 'k')
    const wrong = await chunk(endpoint, target, body, 0, 100_000, [
      ['x-goog-hash', `crc32c=${crc32c(patterned(1))}`],
    ])
    expect(wrong.status).toBe(400)
  })
})

describe('an upload with one request', () => {
  test('stores a stream of unknown length', async () => {
    const file = (await gcs()).file('k')
    await pipeline(Readable.from(oddChunks(body)), file.createWriteStream({ resumable: false }))
    expect(Buffer.compare((await file.download())[0], body)).toBe(0)
  })

  test('takes the content type from the header if it has no metadata', async () => {
    const { endpoint } = await emulatorOf()
    const target = `${uploads}?uploadType=media&name=a%2Fb`
    const { body: answer } = await send(endpoint, 'POST', target, [['content-type', 'text/plain']], 'text')
    expect(JSON.parse(answer)).toMatchObject({ name: 'a/b', contentType: 'text/plain', size: '4' })
  })

  const multipart = (parts: string, type = 'multipart/related; boundary="x-x"'): Promise<number> =>
    emulatorOf().then(async ({ endpoint }) => {
      const headers = [['content-type', type]] as const
      return (await send(endpoint, 'POST', `${uploads}?uploadType=multipart`, headers, parts)).status
    })
  const head =
    '--x-x\r\nContent-Type: application/json\r\n\r\n{"name":"k"}\r\n--x-x\r\nContent-Type: a/b\r\n\r\n'

  test('accepts delimiters inside the media part', async () => {
    expect(await multipart(`${head}a\r\n--x-\r\n--x-x\r\n\r\n--x-x--\r\n`)).toBe(200)
    expect(await multipart(`\r\n${head}\r\n--x-x--`)).toBe(200)
  })

  test.each([
    ['', undefined],
    [head, undefined],
    [`${head}a\r\n--x-x`, undefined],
    [`${head}a\r\n--x-x--more`, undefined],
    [`before${head}a\r\n--x-x--`, undefined],
    [head.replace('{"name":"k"}', '{"name":"k"') + 'a\r\n--x-x--', undefined],
    [head.replace('{"name":"k"}', '[]') + 'a\r\n--x-x--', undefined],
    [head.replace('{"name":"k"}', '{}') + 'a\r\n--x-x--', undefined],
    [head.replace('"k"', '"k","bucket":"other"') + 'a\r\n--x-x--', undefined],
    [`${head}a\r\n--x-x--`, 'multipart/related'],
    [`${head}a\r\n--x-x--`, 'text/plain; boundary=x-x'],
  ])('refuses %j', async (parts, type) => {
    expect(await multipart(parts, type)).toBe(400)
  })

  test('stores nothing if its body is cut', async () => {
    const bucket = await gcs()
    const cut = pipeline(
      async function* () {
        yield body
        throw new Error('cut')
      },
      bucket.file('k').createWriteStream({ resumable: false }),
    )
    await expect(cut).rejects.toThrow('cut')
    expect(await failure(bucket.file('k').getMetadata())).toBe('404 notFound')
  })
})

describe('an object name', () => {
  test.each(['.', '..', 'a\nb', 'a\rb', '.well-known/acme-challenge/a', 'ü'.repeat(512) + 'x'])(
    'is refused: %j',
    async (name) => {
      const { endpoint } = await emulatorOf()
      const target = `${uploads}?uploadType=media&name=${encodeURIComponent(name)}`
      expect((await send(endpoint, 'POST', target)).status).toBe(400)
    },
  )

  test('can contain dots, slashes and 1024 bytes of Unicode', async () => {
    const bucket = await gcs()
    for (const name of ['a//b', 'a/./b', 'a/../b', '/a', 'a/', 'ü'.repeat(512), '🚀 %2F+?#&=']) {
      await save(bucket, name, name)
      expect(await textAt(bucket, name)).toBe(name)
    }
  })
})

describe('an error', () => {
  test('has status 404 for an absent object or bucket', async () => {
    const storage = storageOf(await emulatorOf())
    const file = storage.bucket(bucketName).file('k')
    expect(await failure(file.getMetadata())).toBe('404 notFound')
    expect(await failure(file.delete())).toBe('404 notFound')
    expect(await failure(file.download())).toBe('404')
    expect(await file.exists()).toEqual([false])
    const missing = storage.bucket('missing')
    expect(await failure(missing.getMetadata())).toBe('404 notFound')
    expect(await failure(missing.getFiles())).toBe('404 notFound')
    expect(await failure(missing.file('k').save('x', simple))).toMatch(/^404/)
    expect(await failure(missing.file('k').save('x', { resumable: true }))).toMatch(/^404/)
  })

  test('names its cause', async () => {
    const { endpoint } = await emulatorOf()
    const { body: text } = await send(endpoint, 'GET', `/storage/v1/b/${bucketName}/o/k`)
    const message = `No such object: ${bucketName}/k`
    expect(JSON.parse(text)).toEqual({
      error: { code: 404, message, errors: [{ message, domain: 'global', reason: 'notFound' }] },
    })
    expect((await send(endpoint, 'GET', `/storage/v1/b/${bucketName}/o/k?alt=media`)).body).toBe(message)
  })

  test('has status 401 for missing and wrong credentials', async () => {
    const { endpoint } = await emulatorOf({ token: 'secret' })
    const target = `/storage/v1/b/${bucketName}/o`
    const none = await send(endpoint, 'GET', target)
    expect([none.status, reasonOf(none)]).toEqual([401, 'required'])
    const wrong = await send(endpoint, 'GET', target, [['authorization', 'Bearer public']])
    expect([wrong.status, reasonOf(wrong)]).toEqual([401, 'authError'])
    expect((await send(endpoint, 'GET', target, [['authorization', 'Bearer secret']])).status).toBe(200)
  })

  test('has status 403 for a denied access, which has no effect', async () => {
    const bucket = await gcs({
      denies: ({ operation, name }) => operation === 'objects.delete' || name === 'no',
    })
    const file = await save(bucket, 'k')
    expect(await failure(file.delete())).toBe('403 forbidden')
    expect(await failure(save(bucket, 'no'))).toMatch(/^403/)
    expect(await failure(bucket.file('no').save('x', { resumable: true }))).toMatch(/^403/)
    expect(await failure(file.copy(bucket.file('no')))).toBe('403 forbidden')
    expect(await file.exists()).toEqual([true])
    expect((await bucket.getFiles())[0]).toHaveLength(1)
  })

  test.each([
    ['GET', `/storage/v1/b/${bucketName}/o?delimiter=/`],
    ['GET', `/storage/v1/b/${bucketName}/o?versions=true`],
    ['GET', `/storage/v1/b/${bucketName}/o/k?acl=x`],
    ['POST', `/storage/v1/b/${bucketName}/o/k/compose?preconditionOpts=`],
    ['POST', `/storage/v1/b/${bucketName}/o/k/moveTo/o/l`],
    ['POST', `/batch/storage/v1`],
    ['DELETE', `/storage/v1/b/${bucketName}`],
    ['PUT', `${uploads}?uploadType=resumable`],
    ['POST', `${uploads}?name=k`],
  ])('is returned for the unsupported request %s %s', async (method, target) => {
    const { endpoint } = await emulatorOf()
    const answer = await send(endpoint, method, target)
    expect([answer.status, reasonOf(answer)]).toEqual([501, 'notImplemented'])
  })

  test('has status 400 for a query that cannot be decoded or repeats a parameter', async () => {
    const { endpoint } = await emulatorOf()
    for (const query of ['prefix=%FF', 'prefix=a&prefix=b']) {
      const answer = await send(endpoint, 'GET', `/storage/v1/b/${bucketName}/o?${query}`)
      expect([answer.status, reasonOf(answer)]).toEqual([400, 'invalid'])
    }
    expect((await send(endpoint, 'GET', `/storage/v1/b/${bucketName}/o/%FF`)).status).toBe(400)
  })
})

describe('a bucket', () => {
  test('can be created once, and exists from then on', async () => {
    const storage = storageOf(await emulatorOf())
    expect(await storage.bucket('other').exists()).toEqual([false])
    await storage.createBucket('other', { location: 'EU' })
    expect(await storage.bucket('other').exists()).toEqual([true])
    expect((await storage.bucket('other').getMetadata())[0]).toMatchObject({ name: 'other' })
    expect(await failure(storage.createBucket('other'))).toBe('409 conflict')
    expect(await failure(storage.createBucket('goog-bucket'))).toBe('400 invalid')
  })

  test('is refused at the start of the emulator if its name is invalid', async () => {
    await expect(emulatorOf({ buckets: ['No'] })).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  })
})

test('serves the addresses that the SDK uses with STORAGE_EMULATOR_HOST', async () => {
  const { endpoint } = await emulatorOf()
  vi.stubEnv('STORAGE_EMULATOR_HOST', endpoint)
  onTestFinished(() => {
    vi.unstubAllEnvs()
  })
  const bucket = new Storage({ projectId: 'test' }).bucket(bucketName)
  const file = await save(bucket, 'a/b', 'text')
  expect(await textAt(bucket, 'a/b')).toBe('text')
  expect((await bucket.getFiles())[0]).toHaveLength(1)
  await file.copy(bucket.file('c'))
  await file.delete()
  expect(await file.exists()).toEqual([false])
})

test('returns a compressed object unchanged to a client that accepts its encoding', async () => {
  const bucket = await gcs()
  const file = bucket.file('k')
  await file.save('compress me', { gzip: true, resumable: false })
  const [metadata] = await file.getMetadata()
  expect(metadata.contentEncoding).toBe('gzip')
  expect((await file.download())[0].toString()).toBe('compress me')
})
