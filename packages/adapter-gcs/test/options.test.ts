import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Storage } from '@google-cloud/storage'
import { type CheckpointBackend, HoldfastError } from '@holdfast/core'
import { afterAll, expect, test } from 'vitest'
import { adapter, GcsBackend } from '../src/index.ts'

const folder = await mkdtemp(join(tmpdir(), 'holdfast-gcs-'))
afterAll(() => rm(folder, { recursive: true }))

const open = (url: string, options?: Readonly<Record<string, unknown>>): Promise<CheckpointBackend> =>
  adapter.open(new URL(url), options)

test.each([
  ['gs://b', 'gs://b'],
  ['gs://b/runs/a/', 'gs://b/runs/a'],
  ['gs://b/runs/%23 1?storageClass=NEARLINE&chunkSize=1MiB', 'gs://b/runs/%23%201'],
  ['gs://b/a?endpoint=http://127.0.0.1:4443&userProject=p&parallel=4&quota=1GB&anonymous=true', 'gs://b/a'],
])('opens %s as %s', async (url, place) => {
  expect((await open(url)).url).toBe(place)
})

test('returns a place with the endpoint and without credentials', async () => {
  const backend = new GcsBackend('b', 'a', { endpoint: 'http://user:secret@127.0.0.1:4443' })
  expect(decodeURIComponent(await backend.place())).toBe('gs://b/a?endpoint=http://127.0.0.1:4443')
})

test.each([
  ['gs:///a', 'names no bucket'],
  ['gs://user:pw@b/a', 'credentials are not allowed in a URL'],
  ['gs://b/a#1', 'write %23'],
  ['gs://b/a?region=eu', 'has no option region'],
  ['gs://b/a?secretAccessKey=abc', 'secretAccessKey is not allowed in a URL'],
  ['gs://b/a?credentials=x', 'not allowed in a URL'],
  ['gs://b/a?storageClass=GLACIER', 'must be one of STANDARD, NEARLINE, COLDLINE, ARCHIVE'],
  ['gs://b/a?chunkSize=1MB', 'multiple of 256 KiB'],
  ['gs://b/a?chunkSize=0', 'multiple of 256 KiB'],
  ['gs://b/run-50%', 'gs://b/run-50%: write %25 for % in a path.'],
  ['gs://b/a?endpoint=localhost:4443', 'must be an http:// or https:// URL, such as http://localhost:4443'],
  ['gs://b/a?endpoint=http://u:PASS@host', 'must not contain credentials'],
  ['gs://b/a/../..//c%2F..', 'is not a valid location of a store'],
])('rejects %s: %s', async (url, why) => {
  await expect(open(url)).rejects.toThrow(why)
  await expect(open(url)).rejects.toSatisfy(
    (error) => error instanceof HoldfastError && error.code === 'CONFIG',
  )
})

test('validates options that only code can pass', async () => {
  await expect(open('gs://b', { client: {} })).rejects.toThrow('must be a Storage of @google-cloud/storage')
  await expect(open('gs://b', { credentials: 'secret' })).rejects.toThrow('contents of a key file')
})

test.each([
  [{ type: 'service_account', client_email: 'a@b', private_key: 'secret' }, undefined],
  [{ type: 'authorized_user', client_id: 'i', client_secret: 'secret', refresh_token: 'r' }, undefined],
  [{ type: 'service_account', client_email: 'a@b' }, 'private_key is missing'],
  [{ type: 'external_account' }, 'GOOGLE_APPLICATION_CREDENTIALS'],
  [{}, 'type is missing'],
])('finds credentials in %j, or states why it does not', async (credentials, why) => {
  const file = join(folder, 'key.json')
  await writeFile(file, JSON.stringify(credentials))
  for (const options of [{ credentials }, { keyFilename: file }]) {
    const opening = open('gs://b', options)
    if (why === undefined) expect(JSON.stringify(await opening)).not.toContain('secret')
    else await expect(opening).rejects.toThrow(why)
  }
})

test('rejects a missing or invalid key file at once', async () => {
  await expect(open(`gs://b?keyFilename=${folder}/nothing`)).rejects.toMatchObject({ code: 'CONFIG' })
  await writeFile(join(folder, 'text'), 'no JSON')
  await expect(open(`gs://b?keyFilename=${folder}/text`)).rejects.toMatchObject({ code: 'CONFIG' })
})

test('subtracts the root from the longest key', () => {
  const { capabilities } = new GcsBackend('b', 'runs/a')
  expect(capabilities).toMatchObject({ hash: 'store', freeSpace: 'unbounded', maxKeyBytes: 1017 })
})

test.each([
  [{ anonymous: true, keyFilename: '/absent.json' }, 'keyFilename and anonymous'],
  [{ anonymous: true, credentials: {} }, 'credentials and anonymous'],
  [{ credentials: {}, keyFilename: '/absent.json' }, 'credentials and keyFilename'],
  [{ client: new Storage(), anonymous: true }, 'client and anonymous'],
])('refuses the contradiction %o', (options, ways) => {
  expect(() => new GcsBackend('bucket', 'a', options)).toThrow(`Pass one of ${ways}, not both.`)
})
