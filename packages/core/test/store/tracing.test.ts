import { tracingChannel } from 'node:diagnostics_channel'
import { expect, onTestFinished, test } from 'vitest'
import { copyCheckpoints, MemoryBackend } from '../../src/index.ts'
import { codeOf, storeOn } from '../stores.ts'

/** Returns a list to which the start and the error of each restore, prune and copy of this test are added. */
function published(): readonly string[] {
  const seen: string[] = []
  for (const operation of ['restore', 'prune', 'copy']) {
    const channel = tracingChannel<unknown, object>(`holdfast:${operation}`)
    const note = (what: string) => (): void => {
      seen.push(`${operation} ${what}`)
    }
    const ignore = (): void => undefined
    const subscribers = {
      start: note('starts'),
      error: note('fails'),
      end: ignore,
      asyncStart: ignore,
      asyncEnd: ignore,
    }
    channel.subscribe(subscribers)
    onTestFinished(() => {
      channel.unsubscribe(subscribers)
    })
  }
  return seen
}

test('publishes no call whose options are wrong', async () => {
  const seen = published()
  const store = storeOn(new MemoryBackend())
  const misspelt = { fallbck: true } as object
  expect(await codeOf(store.restore('latest', { to: 'unused', ...misspelt }))).toBe('INVALID_ARGUMENT')
  expect(await codeOf(store.prune(misspelt))).toBe('INVALID_ARGUMENT')
  expect(await codeOf(store.restore('latest', { to: 'unused', maxTries: 0 }))).toBe('INVALID_ARGUMENT')
  expect(seen).toEqual([])
})

test('publishes a restore that fails, and no prune that only reports what it would drop', async () => {
  const seen = published()
  const store = storeOn(new MemoryBackend())
  expect(await codeOf(store.restore(7, { to: 'unused' }))).toBe('NOT_FOUND')
  await store.prune({ dryRun: true })
  expect(seen).toEqual(['restore starts', 'restore fails'])
  await store.prune()
  expect(seen).toEqual(['restore starts', 'restore fails', 'prune starts'])
})

test('publishes a copy, and no copy that only reports what it would copy', async () => {
  const seen = published()
  const [from, to] = [storeOn(new MemoryBackend('mem:from')), storeOn(new MemoryBackend('mem:to'))]
  expect(await codeOf(copyCheckpoints(from, to, { dryRun: true }))).toBe('NOT_FOUND')
  await from.save({ step: 1, files: { a: Buffer.from('a') } })
  expect((await copyCheckpoints(from, to, { dryRun: true })).outcomes).toMatchObject([{ kind: 'copied' }])
  expect(seen).toEqual([])
  await copyCheckpoints(from, to)
  expect(seen).toEqual(['copy starts'])
})
