import { adapter } from '@holdfast/adapter-fs'
import { emptyCheckpoint, type SerializerProtocol, uuid6 } from '@langchain/langgraph-checkpoint'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { HoldfastSaver } from '../src/index.ts'

const options = { adapters: [adapter], config: false } as const
const metadata = { source: 'loop', step: 1, parents: {} } as const
const thread = { configurable: { thread_id: 'a', checkpoint_ns: '' } }

test('a second process finds the thread, and continues it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-langgraph-'))
  {
    await using first = new HoldfastSaver(folder, options)
    const config = await first.put(
      thread,
      { ...emptyCheckpoint(), channel_values: { n: 1 }, channel_versions: { n: 1 } },
      metadata,
      { n: 1 },
    )
    await first.putWrites(config, [['n', 2]], 'task')
  }
  await using second = new HoldfastSaver(folder, options)
  const tuple = await second.getTuple(thread)
  expect(tuple?.checkpoint.channel_values).toEqual({ n: 1 })
  expect(tuple?.pendingWrites).toEqual([['task', 'n', 2]])
})

test('two savers that write at once lose nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-langgraph-'))
  await using one = new HoldfastSaver(folder, options)
  await using other = new HoldfastSaver(folder, options)
  const config = await one.put(thread, emptyCheckpoint(), metadata, {})
  const writers = ['a', 'b', 'c', 'd']
  await Promise.all(
    writers.map((task, index) => (index % 2 === 0 ? one : other).putWrites(config, [['n', task]], task)),
  )
  const tuple = await one.getTuple(thread)
  expect(tuple?.pendingWrites?.map(([task]) => task)).toEqual(writers)
})

/** Puts a checkpoint with one channel, and returns its configuration. */
async function putValue(
  saver: HoldfastSaver,
  config: Parameters<HoldfastSaver['put']>[0],
  value: string,
  version: number,
): ReturnType<HoldfastSaver['put']> {
  const checkpoint = { ...emptyCheckpoint(), id: uuid6(version), channel_values: { n: value } }
  return saver.put(config, { ...checkpoint, channel_versions: { n: version } }, metadata, { n: version })
}

async function valuesAt(saver: HoldfastSaver, config: Parameters<HoldfastSaver['put']>[0]): Promise<unknown> {
  return (await saver.getTuple(config))?.checkpoint.channel_values
}

test('branches that count from one version keep their own values', async () => {
  await using saver = new HoldfastSaver(await mkdtemp(join(tmpdir(), 'holdfast-langgraph-')), options)
  const start = await putValue(saver, thread, 'start', 1)
  const main = await putValue(saver, start, 'main', 2)
  const fork = await putValue(saver, start, 'fork', 2)
  const unchanged = { ...emptyCheckpoint(), id: uuid6(3), channel_versions: { n: 2 } }
  const later = await saver.put(main, unchanged, metadata, {})
  expect(await valuesAt(saver, start)).toEqual({ n: 'start' })
  expect(await valuesAt(saver, main)).toEqual({ n: 'main' })
  expect(await valuesAt(saver, fork)).toEqual({ n: 'fork' })
  expect(await valuesAt(saver, later)).toEqual({ n: 'main' })
})

test('a copy of a checkpoint has its values, although LangGraph names no changed channel', async () => {
  await using saver = new HoldfastSaver(await mkdtemp(join(tmpdir(), 'holdfast-langgraph-')), options)
  const start = await putValue(saver, thread, 'start', 1)
  const copied = (await saver.getTuple(await putValue(saver, start, 'main', 2)))?.checkpoint
  if (copied === undefined) throw new Error('The checkpoint is missing')
  const copy = await saver.put(start, { ...copied, id: uuid6(3) }, { ...metadata, source: 'fork' }, {})
  expect(await valuesAt(saver, copy)).toEqual({ n: 'main' })
})

test('a channel that lost its value does not get it back from an ancestor', async () => {
  await using saver = new HoldfastSaver(await mkdtemp(join(tmpdir(), 'holdfast-langgraph-')), options)
  const start = await putValue(saver, thread, 'start', 1)
  const emptied = { ...emptyCheckpoint(), id: uuid6(2), channel_versions: { n: 2 } }
  expect(await valuesAt(saver, await saver.put(start, emptied, metadata, { n: 2 }))).toEqual({})
})

test('names of any length are saved, listed and deleted', async () => {
  await using saver = new HoldfastSaver(await mkdtemp(join(tmpdir(), 'holdfast-langgraph-')), options)
  const place = { thread_id: 't'.repeat(500), checkpoint_ns: 'subgraph|'.repeat(100) }
  await putValue(saver, { configurable: place }, 'deep', 1)
  const listed = await Array.fromAsync(saver.list({ configurable: place }))
  expect(listed.map(({ config }) => config.configurable)).toMatchObject([place])
  expect(await Array.fromAsync(saver.list({ configurable: { ...place, checkpoint_ns: 'x' } }))).toEqual([])
  await saver.deleteThread(place.thread_id)
  expect(await Array.fromAsync(saver.list({}))).toEqual([])
})

test('a serializer that writes bytes of its own format reads them back', async () => {
  const reversed: SerializerProtocol = {
    dumpsTyped: async (value) => ['reversed', Uint8Array.from(Buffer.from(JSON.stringify(value))).reverse()],
    loadsTyped: async (type, stored) => {
      if (type !== 'reversed' || typeof stored === 'string') throw new Error(`unknown format ${type}`)
      return JSON.parse(Buffer.from(Uint8Array.from(stored).reverse()).toString()) as unknown
    },
  }
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-langgraph-'))
  await using saver = new HoldfastSaver(folder, options, reversed)
  const config = await putValue(saver, thread, 'é', 1)
  await saver.putWrites(config, [['n', 'ü']], 'task')
  expect(await saver.getTuple(thread)).toMatchObject({
    checkpoint: { channel_values: { n: 'é' } },
    metadata,
    pendingWrites: [['task', 'n', 'ü']],
  })
})
