import { adapter } from '@holdfast/adapter-fs'
import type { CheckpointStore, OpenStoreOptions } from '@holdfast/core'
import { type BackendAdapter, MemoryBackend } from '@holdfast/core/backend'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { nameOf, Threads } from '../src/threads.ts'

const urlOf = async ({ url }: CheckpointStore): Promise<string> => url

test('opens a thread again after it could not be opened', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-langgraph-'))
  const adapters: (typeof adapter)[] = []
  const options: OpenStoreOptions = { adapters, config: false, backend: { unknown: true } }
  const name = nameOf({ thread: 'a', namespace: '' })
  await using threads = new Threads(folder, options)
  await expect(threads.use(name, urlOf)).rejects.toMatchObject({ name: 'HoldfastError' })
  delete (options as { backend?: unknown }).backend
  adapters.push(adapter)
  expect(await threads.use(name, urlOf)).toContain(folder)
})

test('keeps the parameters of the location in the location of each thread and of the list', async () => {
  const opened: string[] = []
  const recording: BackendAdapter = {
    schemes: ['s3'],
    open: async ({ href }) => {
      opened.push(href)
      return new MemoryBackend(href)
    },
  }
  await using threads = new Threads('s3://bucket/threads?region=x', { adapters: [recording], config: false })
  await threads.use('a/b', urlOf)
  expect(await threads.names()).toEqual([])
  expect(opened).toEqual(['s3://bucket/threads/a/b?region=x', 's3://bucket/threads?region=x'])
})

test('closes the stores that were used longest ago, and none that is in use', async () => {
  const open = new Set<string>()
  const counting: BackendAdapter = {
    schemes: ['s3'],
    open: async ({ href }) => {
      const backend = new MemoryBackend(href)
      const close = backend.close.bind(backend)
      backend.close = async () => {
        open.delete(href)
        return close()
      }
      open.add(href)
      return backend
    },
  }
  await using threads = new Threads('s3://bucket', { adapters: [counting], config: false }, 2)
  await threads.use('used', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await threads.use(name, urlOf)
    expect([...open]).toEqual(['s3://bucket/used', 's3://bucket/c', 's3://bucket/d'])
  })
  expect(open.size).toBe(2)
  expect(await threads.use('a', urlOf)).toBe('s3://bucket/a')
})
