import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readdir, stat } from 'node:fs/promises'
import http from 'node:http'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Crc32c, crc32cBase64 } from '@holdfast/core/backend'
import { describe, expect, test } from 'vitest'
import { patterned } from '@holdfast/conformance/testing'
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
  status,
  storageOf,
} from './emulators.ts'

const block = 256 * 1024
const bytes = patterned(3 * block + 1000)
const size = bytes.byteLength
const crc32c = crc32cBase64(new Crc32c().update(bytes).value)

async function read(endpoint: string, name = 'k'): Promise<Buffer> {
  return (await storageOf({ endpoint }).bucket(bucketName).file(name).download())[0]
}

async function isAbsent(endpoint: string): Promise<boolean> {
  return !(await storageOf({ endpoint }).bucket(bucketName).file('k').exists())[0]
}

describe('the SDK', () => {
  test.each([block, 2 * block, 8 * block])(
    'uploads a stream of unknown length in chunks of %i bytes',
    async (chunkSize) => {
      const file = (await gcs()).file('k')
      await pipeline(Readable.from([bytes]), file.createWriteStream({ resumable: true, chunkSize }))
      expect(Buffer.compare((await file.download())[0], bytes)).toBe(0)
      expect(file.metadata).toMatchObject({ size, crc32c })
    },
  )

  test.each([undefined, block])('uploads a body of known length (chunks: %s)', async (chunkSize) => {
    const file = (await gcs()).file('k')
    const metadata = { contentLength: size }
    await file.save(bytes, { resumable: true, metadata, ...(chunkSize === undefined ? {} : { chunkSize }) })
    expect(Buffer.compare((await file.download())[0], bytes)).toBe(0)
  })

  test('uploads an empty body', async () => {
    const file = (await gcs()).file('k')
    await file.save('', { resumable: true })
    expect((await file.download())[0]).toHaveLength(0)
  })
})

describe('the persisted size', () => {
  test('is returned after every chunk and on request', async () => {
    const { endpoint } = await emulatorOf()
    const target = await begin(endpoint, 'k')
    const nothing = await status(endpoint, target)
    expect([nothing.status, nothing.headers.range]).toEqual([308, undefined])
    const first = await chunk(endpoint, target, bytes.subarray(0, block), 0, '*')
    expect([first.status, first.headers.range]).toEqual([308, `bytes=0-${block - 1}`])
    const second = await chunk(endpoint, target, bytes.subarray(block, 3 * block), block, '*')
    expect([second.status, second.headers.range]).toEqual([308, `bytes=0-${3 * block - 1}`])
    const asked = await status(endpoint, target, size)
    expect([asked.status, asked.headers.range]).toEqual([308, `bytes=0-${3 * block - 1}`])
    expect(await isAbsent(endpoint)).toBe(true)
    const last = await chunk(endpoint, target, bytes.subarray(3 * block), 3 * block, size)
    expect(last.status).toBe(200)
    expect(JSON.parse(last.body)).toMatchObject({ name: 'k', size: String(size), crc32c })
    expect(Buffer.compare(await read(endpoint), bytes)).toBe(0)
  })

  test('is the highest allowed offset of a chunk', async () => {
    const { endpoint } = await emulatorOf()
    const target = await begin(endpoint, 'k')
    const gap = await chunk(endpoint, target, bytes.subarray(block, 2 * block), block, '*')
    expect(gap.status).toBe(503)
    expect(gap.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(gap.body).toContain(
      'the upload offset is 262144 byte(s), which exceeds already uploaded size of 0',
    )
    expect((await status(endpoint, target)).headers.range).toBeUndefined()
    expect((await chunk(endpoint, target, bytes, 0, size)).status).toBe(200)
  })

  test('covers bytes that later requests do not change, even if they send other bytes', async () => {
    const { endpoint } = await emulatorOf()
    const target = await begin(endpoint, 'k')
    await chunk(endpoint, target, bytes.subarray(0, block), 0, '*')
    const again = await chunk(endpoint, target, patterned(block, 9), 0, '*')
    expect(again.headers.range).toBe(`bytes=0-${block - 1}`)
    const other = Buffer.concat([patterned(block, 9), bytes.subarray(block)])
    expect((await chunk(endpoint, target, other, 0, size)).status).toBe(200)
    expect(Buffer.compare(await read(endpoint), bytes)).toBe(0)
  })

  test('grows by the whole blocks of a request that was cut', async () => {
    const directory = await temporaryFolder()
    const { endpoint } = await emulatorOf({ directory })
    const target = await begin(endpoint, 'k')
    const cut = http.request(endpoint + target, {
      method: 'PUT',
      headers: { 'content-range': `bytes 0-${size - 1}/${size}`, 'content-length': size },
    })
    const lost = once(cut, 'error')
    cut.write(bytes.subarray(0, 2 * block + 100))
    while ((await bytesIn(join(directory, 'pieces'))) < 2 * block) await nextTurn()
    cut.destroy(new Error('cut'))
    await lost
    const asked = await status(endpoint, target) // runs after the previous request
    expect([asked.status, asked.headers.range]).toEqual([308, `bytes=0-${2 * block - 1}`])
    const done = await chunk(endpoint, target, bytes.subarray(2 * block), 2 * block, size)
    const md5Hash = createHash('md5').update(bytes).digest('base64')
    expect(JSON.parse(done.body)).toMatchObject({ crc32c, md5Hash })
    expect(Buffer.compare(await read(endpoint), bytes)).toBe(0)
  })
})

async function bytesIn(folder: string): Promise<number> {
  const files = await readdir(folder)
  const sizes = await Promise.all(files.map(async (name) => (await stat(join(folder, name))).size))
  return sizes.reduce((sum, each) => sum + each, 0)
}

describe('a chunk', () => {
  test('must be a multiple of 256 KiB, unless it is the last chunk', async () => {
    const { endpoint } = await emulatorOf()
    const target = await begin(endpoint, 'k')
    for (const length of [1, block - 1, block + 1]) {
      const odd = await chunk(endpoint, target, bytes.subarray(0, length), 0, '*')
      expect([odd.status, reasonOf(odd)]).toEqual([400, 'invalid'])
      expect((await chunk(endpoint, target, bytes.subarray(0, length), 0, size)).status).toBe(400)
    }
    expect((await status(endpoint, target)).headers.range).toBeUndefined()
  })

  test.each([
    `bytes 0-${size - 2}/${size - 1}`,
    `bytes 0-${size}/${size + 1}`,
    `bytes 0-*/${size + 1}`,
    `bytes 0-*/${size - 1}`,
  ])('is refused if its size differs from its range: %s', async (range) => {
    const { endpoint } = await emulatorOf()
    const target = await begin(endpoint, 'k')
    const answer = await send(endpoint, 'PUT', target, [['Content-Range', range]], bytes)
    expect([answer.status, reasonOf(answer)]).toEqual([400, 'invalid'])
    expect((await chunk(endpoint, target, bytes, 0, size)).status).toBe(200)
    expect(Buffer.compare(await read(endpoint), bytes)).toBe(0)
  })

  test.each(['bytes', 'bytes 0-1', 'bytes 5-2/10', 'bytes 0-10/5', 'bytes a-b/c', 'lines 0-1/2'])(
    'is refused if its range is invalid: %j',
    async (range) => {
      const { endpoint } = await emulatorOf()
      const target = await begin(endpoint, 'k')
      const answer = await send(endpoint, 'PUT', target, [['Content-Range', range]], 'x')
      expect([answer.status, reasonOf(answer)]).toEqual([400, 'invalid'])
    },
  )

  test.each([`bytes 0-*/${size}`, 'bytes 0-*/*', undefined])(
    'can be the whole object, with the range %s',
    async (range) => {
      const { endpoint } = await emulatorOf()
      const target = await begin(endpoint, 'k')
      const headers = range === undefined ? [] : ([['Content-Range', range]] as const)
      expect((await send(endpoint, 'PUT', target, headers, bytes)).status).toBe(200)
      expect(Buffer.compare(await read(endpoint), bytes)).toBe(0)
    },
  )
})

describe('the total size', () => {
  test('must equal the size that was announced at the start', async () => {
    const { endpoint } = await emulatorOf()
    const announced = [['X-Upload-Content-Length', String(size)]] as const
    const target = await begin(endpoint, 'k', '', announced)
    expect((await chunk(endpoint, target, bytes.subarray(0, 100), 0, 100)).status).toBe(400)
    const short = await send(endpoint, 'PUT', target, [['Content-Range', 'bytes 0-*/*']], 'short')
    expect(short.status).toBe(400)
    expect((await chunk(endpoint, target, bytes, 0, size)).status).toBe(200)
    const odd = [['X-Upload-Content-Length', 'x']] as const
    await expect(begin(endpoint, 'k', '', odd)).rejects.toThrow('400')
  })

  test('ends the upload if all bytes are persisted', async () => {
    const { endpoint } = await emulatorOf()
    const target = await begin(endpoint, 'k')
    await chunk(endpoint, target, bytes.subarray(0, block), 0, '*')
    expect((await status(endpoint, target, block)).status).toBe(200)
    expect(Buffer.compare(await read(endpoint), bytes.subarray(0, block))).toBe(0)
  })

  test.each([block - 1, block + 1])(
    'does not end the upload if it differs from the persisted size: bytes */%i',
    async (told) => {
      const { endpoint } = await emulatorOf()
      const target = await begin(endpoint, 'k', '', [['X-Upload-Content-Length', String(size)]])
      await chunk(endpoint, target, bytes.subarray(0, block), 0, size)
      const asked = await status(endpoint, target, told)
      expect([asked.status, asked.headers.range]).toEqual([308, `bytes=0-${block - 1}`])
    },
  )

  test('can be 0: bytes */0', async () => {
    const { endpoint } = await emulatorOf()
    const target = await begin(endpoint, 'k')
    expect((await status(endpoint, target, 0)).status).toBe(200)
    expect(await read(endpoint)).toHaveLength(0)
  })
})

describe('an upload that has ended', () => {
  test('returns its result again, because the response may have been lost', async () => {
    const { endpoint } = await emulatorOf()
    const target = await begin(endpoint, 'k')
    const done = await chunk(endpoint, target, bytes, 0, size)
    const asked = await status(endpoint, target)
    expect([asked.status, JSON.parse(asked.body)]).toEqual([200, JSON.parse(done.body)])
    const again = await chunk(endpoint, target, bytes.subarray(3 * block), 3 * block, size)
    expect([again.status, JSON.parse(again.body)]).toEqual([200, JSON.parse(done.body)])
  })

  test('returns its result even if the object was replaced later', async () => {
    const { endpoint } = await emulatorOf()
    const target = await begin(endpoint, 'k')
    const done = JSON.parse((await chunk(endpoint, target, bytes, 0, size)).body) as object
    await storageOf({ endpoint }).bucket(bucketName).file('k').save('new', { resumable: false })
    expect(JSON.parse((await status(endpoint, target)).body)).toEqual(done)
    expect((await read(endpoint)).toString()).toBe('new')
  })

  test('returns 412, then 410, if its condition failed', async () => {
    const { endpoint } = await emulatorOf()
    const target = await begin(endpoint, 'k', '&ifGenerationMatch=0')
    await chunk(endpoint, target, bytes.subarray(0, block), 0, '*')
    await storageOf({ endpoint }).bucket(bucketName).file('k').save('early', { resumable: false })
    const late = await chunk(endpoint, target, bytes.subarray(block), block, size)
    expect([late.status, reasonOf(late)]).toEqual([412, 'conditionNotMet'])
    expect((await status(endpoint, target)).status).toBe(410)
    expect((await read(endpoint)).toString()).toBe('early')
  })

  test('returns 400, then 410, if its hashes were wrong', async () => {
    const { endpoint } = await emulatorOf()
    const target = await begin(endpoint, 'k')
    const hash = [['x-goog-hash', 'crc32c=AAAAAA==']] as const
    expect((await chunk(endpoint, target, bytes, 0, size, hash)).status).toBe(400)
    expect((await status(endpoint, target)).status).toBe(410)
    expect(await isAbsent(endpoint)).toBe(true)
  })

  test('returns 499, then 410, if it was cancelled', async () => {
    const { endpoint } = await emulatorOf()
    const target = await begin(endpoint, 'k')
    await chunk(endpoint, target, bytes.subarray(0, block), 0, '*')
    expect((await send(endpoint, 'DELETE', target)).status).toBe(499)
    expect((await status(endpoint, target)).status).toBe(410)
    expect((await chunk(endpoint, target, bytes, 0, size)).status).toBe(410)
    expect((await send(endpoint, 'DELETE', target)).status).toBe(410)
    expect(await isAbsent(endpoint)).toBe(true)
  })

  test('cannot be cancelled', async () => {
    const { endpoint } = await emulatorOf()
    const target = await begin(endpoint, 'k')
    await chunk(endpoint, target, bytes, 0, size)
    expect((await send(endpoint, 'DELETE', target)).status).toBe(410)
    expect(Buffer.compare(await read(endpoint), bytes)).toBe(0)
  })

  test('returns 410 if it expired after a week', async () => {
    let time = Date.now()
    const { endpoint } = await emulatorOf({ now: () => new Date(time) })
    const target = await begin(endpoint, 'k')
    time += 7 * 24 * 3600 * 1000
    expect((await status(endpoint, target)).status).toBe(308)
    time += 1
    expect((await status(endpoint, target)).status).toBe(410)
  })

  test('returns 404 if it never existed or belongs to another bucket', async () => {
    const { endpoint } = await emulatorOf({ buckets: [bucketName, 'other'] })
    const target = await begin(endpoint, 'k')
    expect((await status(endpoint, target.replace(/upload_id=.*/, 'upload_id=none'))).status).toBe(404)
    expect((await status(endpoint, target.replace(bucketName, 'other'))).status).toBe(404)
  })
})

test('a session accepts requests without credentials, by its address alone', async () => {
  const { endpoint } = await emulatorOf({ token: 'secret' })
  await expect(begin(endpoint, 'k')).rejects.toThrow('401')
  const target = await begin(endpoint, 'k', '', [['authorization', 'Bearer secret']])
  expect((await chunk(endpoint, target, bytes, 0, size)).status).toBe(200)
})

test('concurrent requests on one upload run one after another', async () => {
  const { endpoint } = await emulatorOf()
  const target = await begin(endpoint, 'k')
  const answers = await Promise.all([
    chunk(endpoint, target, bytes, 0, size),
    chunk(endpoint, target, bytes, 0, size),
    status(endpoint, target),
  ])
  expect(answers.map((answer) => answer.status).filter((code) => code === 200).length).toBeGreaterThanOrEqual(
    2,
  )
  expect(Buffer.compare(await read(endpoint), bytes)).toBe(0)
})

test('a restarted emulator continues an upload in the middle', async () => {
  const directory = await temporaryFolder()
  const first = await emulatorOf({ directory })
  const bucket = storageOf(first).bucket(bucketName)
  const kept = bucket.file('kept')
  await kept.save('kept', { resumable: false, metadata: { metadata: { a: 'b' } } })
  const generation = Number(kept.metadata.generation)
  expect(generation).toBeGreaterThan(0)
  const target = await begin(first.endpoint, 'k')
  await chunk(first.endpoint, target, bytes.subarray(0, block), 0, '*')
  await first.close()

  const { endpoint } = await emulatorOf({ directory, now: () => new Date(0) })
  expect((await read(endpoint, 'kept')).toString()).toBe('kept')
  expect((await status(endpoint, target)).headers.range).toBe(`bytes=0-${block - 1}`)
  const done = await chunk(endpoint, target, bytes.subarray(block), block, size)
  expect(JSON.parse(done.body)).toMatchObject({ crc32c })
  expect(Buffer.compare(await read(endpoint), bytes)).toBe(0)
  const again = storageOf({ endpoint }).bucket(bucketName).file('kept')
  await again.save('again', { resumable: false })
  expect(Number(again.metadata.generation)).toBeGreaterThan(generation)
})

test('the SDK stops its retries if its session was deleted', async () => {
  const emulator = await emulatorOf()
  const file = storageOf(emulator).bucket(bucketName).file('k')
  const [uri] = await file.createResumableUpload()
  expect((await fetch(uri, { method: 'DELETE' })).status).toBe(499)
  expect(await failure(file.save(bytes, { uri, resumable: true }))).toMatch(/^410/)
})
