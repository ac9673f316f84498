import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { openStore } from '@holdfast/core'
import { expect, test } from 'vitest'
import { temporaryFolder } from './folders.ts'

test('undoes a prune whose process was killed before it could close the store', async () => {
  const root = await temporaryFolder()
  const child = fork(fileURLToPath(new URL('pruner.ts', import.meta.url)), [root])
  const [message] = (await once(child, 'message')) as [string]
  expect(message).toBe('pruned')
  child.kill('SIGKILL')
  await once(child, 'close')
  await using store = await openStore(root, { config: false })
  expect((await store.list()).map(({ step }) => step)).toEqual([3])
  await store.sweep()
  expect((await store.undo()).map(({ step }) => step)).toEqual([1, 2])
  expect((await store.list()).map(({ step }) => step)).toEqual([1, 2, 3])
  expect((await store.verify()).good).toBe(true)
})
