import { randomBytes } from 'node:crypto'
import { startGcsEmulator } from '@holdfast/emulators'
import { startProxy } from '@holdfast/emulators/proxy'
import { expect, test } from 'vitest'
import { GcsBackend } from '../src/index.ts'

test('does not cut off a copy that the service may still finish', async () => {
  await using emulator = await startGcsEmulator({ buckets: ['bucket'] })
  const stop = new AbortController()
  await using proxy = await startProxy({
    target: emulator.endpoint,
    plan: ({ operation }) => {
      if (operation === 'objects.rewrite') stop.abort()
      return undefined
    },
  })
  const backend = new GcsBackend('bucket', 'a', { endpoint: proxy.url })
  const bytes = randomBytes(100_000)
  const { sha256, revision, storeDigest } = await backend.put('source', bytes)
  const source = {
    open: async (start: number) => ReadableStream.from<Uint8Array>([bytes.subarray(start)]),
    object: { backend, key: 'source', size: bytes.byteLength, sha256, revision, storeDigest },
  }
  const copied = await backend.put('copy', source, { size: bytes.byteLength, signal: stop.signal })
  expect(proxy.requests.count('objects.rewrite')).toBe(1)
  expect((await backend.stat('copy'))?.revision).toBe(copied.revision)
  await backend.close()
})
