import { adapter } from '@holdfast/adapter-fs'
import { emptyCheckpoint } from '@langchain/langgraph-checkpoint'
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
