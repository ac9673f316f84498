import * as promises from 'node:fs/promises'
import { expect, test } from 'vitest'
import { refuseHopelessMirror } from '../../src/config/hopeless-mirror.ts'
import { MemoryBackend } from '../../src/index.ts'
import { gated, systemError } from '../local-files/gated.ts'
import { codeOf, temporaryFolder } from '../stores.ts'

/** A backend of an object store at an endpoint. */
function bucketAt(url: string, endpoint = 'https://one'): MemoryBackend {
  return Object.assign(new MemoryBackend(url), {
    place: async () => Promise.resolve(`${url}?endpoint=${endpoint}`),
  })
}

function localAt(path: string): MemoryBackend {
  const backend = new MemoryBackend(`file://${path}`)
  return Object.assign(backend, { capabilities: { ...backend.capabilities, localRoot: path } })
}

test.each([
  ['s3://bucket/a', 's3://bucket/a', 'https://one', 'CONFIG'],
  ['s3://bucket/a', 's3://bucket/a/', 'https://one', 'CONFIG'],
  ['s3://bucket/a', 's3://bucket/a/mirror', 'https://one', 'CONFIG'],
  ['s3://bucket/a', 's3://bucket/a', 'https://two', 'no error'],
  ['s3://bucket/a', 's3://bucket/ab', 'https://one', 'no error'],
  ['s3://bucket/a', 's3://bucket/mirror', 'https://one', 'no error'],
  ['s3://bucket/a', 's3://other/a', 'https://one', 'no error'],
  ['s3://bucket/a', 'gs://bucket/a', 'https://one', 'no error'],
])('a store at %s, and a mirror at %s of %s: %s', async (store, mirror, endpoint, code) => {
  expect(await codeOf(refuseHopelessMirror(bucketAt(store), bucketAt(mirror, endpoint)))).toBe(code)
})

test('two stores in memory without a name are different places', async () => {
  const store = new MemoryBackend()
  await refuseHopelessMirror(store, new MemoryBackend())
  expect(await codeOf(refuseHopelessMirror(store, store))).toBe('CONFIG')
})

test('a mirror on a disk that hangs does not hold up the store', async () => {
  const fileSystem = { ...promises, lstat: () => new Promise<never>(() => undefined) }
  await refuseHopelessMirror(localAt('/runs'), localAt('/dead'), fileSystem, 1)
})

test.each([1, 2, 3, 4, 5])(
  'a mirror that cannot be reached from look %i on does not hold up the store',
  async (first) => {
    let looks = 0
    const fileSystem = gated((method) => {
      if (method === 'stat') looks += 1
      if (looks >= first) throw systemError('EIO')
    })
    const [store, mirror] = [await temporaryFolder(), await temporaryFolder()]
    await refuseHopelessMirror(localAt(store), localAt(mirror), fileSystem)
    expect(looks).toBeGreaterThanOrEqual(first)
  },
)
