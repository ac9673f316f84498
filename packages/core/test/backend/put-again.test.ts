import { expect, test } from 'vitest'
import { HoldfastError, lostUpload, putAgain, type PutResult, type PutSource } from '../../src/backend.ts'

const result: PutResult = { key: 'k', size: 1, sha256: 'a', revision: '1' }

/** Puts a source whose first `lost` uploads are lost. Returns the outcome and the number of uploads. */
async function put(source: PutSource, lost: number): Promise<readonly [string, number]> {
  let uploads = 0
  const outcome = await putAgain(source, async () => {
    uploads += 1
    if (uploads <= lost) throw lostUpload(new HoldfastError('UNAVAILABLE', 'It is gone.', { url: 's3://b' }))
    return result
  }).then(
    () => 'stored',
    (error: unknown) => (error instanceof HoldfastError ? error.code : String(error)),
  )
  return [outcome, uploads]
}

const sources: readonly [string, PutSource][] = [
  ['bytes', new Uint8Array(1)],
  ['a file', { path: '/file' }],
  ['an object of another store', { open: async () => new ReadableStream<Uint8Array>() }],
]

test.each(sources)('replaces two lost uploads of %s, and not a third', async (_, source) => {
  expect(await put(source, 2)).toEqual(['stored', 3])
  expect(await put(source, 3)).toEqual(['UNAVAILABLE', 3])
})

test('does not replace a lost upload of a stream, which cannot be read again', async () => {
  expect(await put(new ReadableStream<Uint8Array>(), 1)).toEqual(['UNAVAILABLE', 1])
})

test('does not repeat a put that failed for another reason', async () => {
  let puts = 0
  const failing = putAgain(new Uint8Array(1), async () => {
    puts += 1
    throw new HoldfastError('UNAVAILABLE', 'No network.')
  })
  await expect(failing).rejects.toThrow('No network.')
  expect(puts).toBe(1)
})
