import { adapter } from '@holdfast/adapter-fs'
import type { OpenStoreOptions } from '@holdfast/core'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Threads } from '../src/threads.ts'

test('opens a thread again after it could not be opened', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-langgraph-'))
  const adapters: (typeof adapter)[] = []
  const options: OpenStoreOptions = { adapters, config: false, backend: { unknown: true } }
  const place = { thread: 'a', namespace: '' }
  await using threads = new Threads(folder, options)
  await expect(threads.open(place)).rejects.toMatchObject({ name: 'HoldfastError' })
  delete (options as { backend?: unknown }).backend
  adapters.push(adapter)
  expect((await threads.open(place)).url).toContain(folder)
})
