import { expect, test } from 'vitest'
import { MemoryBackend } from '../../src/index.ts'

test.each([
  ['', /^Listing mem: /],
  ['a', /^Listing a /],
])('names the place of an aborted list with the prefix "%s"', async (prefix, message) => {
  const backend = new MemoryBackend()
  await backend.put('a', Buffer.from('a'))
  await backend.put('ab', Buffer.from('b'))
  const stop = new AbortController()
  const list = backend.list(prefix, { signal: stop.signal })[Symbol.asyncIterator]()
  expect((await list.next()).value).toMatchObject({ key: 'a' })
  stop.abort()
  await expect(list.next()).rejects.toMatchObject({
    code: 'ABORTED',
    message: expect.stringMatching(message) as string,
  })
})
