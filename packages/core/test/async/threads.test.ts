import { expect, test } from 'vitest'
import { defaultThreads, threadsOnAllProcessors } from '../../src/async/threads.ts'
import { CheckpointStore, MemoryBackend, openStore } from '../../src/index.ts'

test.each([
  [1, 1],
  [2, 1],
  [3, 2],
  [5, 4],
  [128, 4],
])('uses, on %i processors, %i threads by default', (processors, threads) => {
  expect(defaultThreads(processors)).toBe(threads)
})

test.each([
  [1, 1],
  [2, 2],
  [4, 4],
  [128, 4],
])('uses, on %i processors, %i threads while nothing is transferred', (processors, threads) => {
  expect(threadsOnAllProcessors(processors)).toBe(threads)
})

test.each([0, 1.5, 65, NaN, '2' as unknown as number])('refuses %s threads', (threads) => {
  expect(() => new CheckpointStore(new MemoryBackend(), { threads })).toThrow(
    'threads must be a whole number from 1 to 64',
  )
})

test('passes the number of threads to the backend of the store and to that of its mirror', async () => {
  const opened: unknown[] = []
  const adapter = {
    schemes: ['test'],
    async open(url: URL, _options?: object, hooks?: { readonly threads?: number | undefined }) {
      opened.push([url.pathname, hooks?.threads])
      return new MemoryBackend(url.href)
    },
  }
  const options = {
    adapters: [adapter],
    mirror: { store: 'test:mirror' },
    threads: 3,
    config: false,
  } as const
  await using _ = await openStore('test:store', options)
  expect(opened).toEqual([
    ['store', 3],
    ['mirror', 3],
  ])
})
