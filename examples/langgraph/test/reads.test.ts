import { adapter } from '@holdfast/adapter-fs'
import type { BackendAdapter } from '@holdfast/core/backend'
import { emptyCheckpoint, uuid6 } from '@langchain/langgraph-checkpoint'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { HoldfastSaver } from '../src/index.ts'

const thread = { configurable: { thread_id: 'a', checkpoint_ns: '' } }
const checkpoints = 20

/** An adapter for disks that records the keys of the objects that are read. */
function recording(keys: string[]): BackendAdapter {
  return {
    ...adapter,
    open: async (...parameters) => {
      const backend = await adapter.open(...parameters)
      const read = backend.read.bind(backend)
      backend.read = async (key, options) => {
        keys.push(key)
        return read(key, options)
      }
      return backend
    },
  }
}

/** Returns the number of checkpoints that a new saver lists with options, and the keys of checkpoints that it reads. */
async function readsOf(options: { readonly limit?: number; readonly filter?: Record<string, unknown> }) {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-langgraph-'))
  {
    await using saver = new HoldfastSaver(folder, { adapters: [adapter], config: false })
    let config = thread as Parameters<typeof saver.put>[0]
    for (let step = 1; step <= checkpoints; step += 1) {
      const checkpoint = {
        ...emptyCheckpoint(),
        id: uuid6(step),
        channel_values: { n: step },
        channel_versions: { n: step },
      }
      config = await saver.put(config, checkpoint, { source: 'loop', step, parents: {} }, { n: step })
    }
  }
  const keys: string[] = []
  await using saver = new HoldfastSaver(folder, { adapters: [recording(keys)], config: false })
  const listed = await Array.fromAsync(saver.list(thread, options))
  return { listed: listed.length, keys: keys.filter((key) => !/catalog|holdfast\.json/.test(key)) }
}

test('a list reads no checkpoint that its filter omits', async () => {
  expect(await readsOf({ filter: { source: 'input' } })).toEqual({ listed: 0, keys: [] })
})

test('a list with a limit reads as few checkpoints as it returns', async () => {
  const one = await readsOf({ limit: 1 })
  const three = await readsOf({ limit: 3 })
  expect([one.listed, three.listed]).toEqual([1, 3])
  expect(one.keys.length).toBeGreaterThan(0)
  expect(three.keys.length).toBe(3 * one.keys.length)
})
