/** One process of a rank: restores, and then saves step after step until it is killed. */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { HoldfastError, isHoldfastError, openStore } from '@holdfast/core'
import { exitWithParent } from '@holdfast/test-servers'
import { backendOptions } from '../backend-options.ts'
import { adapterOf } from './adapter-of.ts'
import { decodeArguments, type Message } from './messages.ts'
import { bytesOf, shardName, shardOf, tornIn } from './shard.ts'

const { url, folder, rank, size, generation, joinTimeout, saveTimeout } = decodeArguments(
  process.argv[2] ?? '',
)

/** Milliseconds that a step of the training takes at most. */
const longestStep = 40

function tell(message: Message): void {
  process.send?.(message)
}

const mayOutliveParent = exitWithParent()
await using store = await openStore(url, {
  adapters: [await adapterOf(url)],
  backend: backendOptions(url),
  config: false,
  retention: { keepLast: 3 },
  ranks: { rank, size, joinTimeout, saveTimeout },
})
try {
  await train(await restore())
} catch (error) {
  if (!(error instanceof HoldfastError)) throw error
  tell({ kind: 'ended', code: error.code, message: error.message })
}
mayOutliveParent()
process.disconnect()

/** Restores the files of all ranks, and compares them. Returns the step; 0 if there is none. */
async function restore(): Promise<number> {
  const to = join(folder, String(rank))
  await mkdir(to, { recursive: true })
  const restored = await store.restore('latest', { to, fallback: true, exact: true })
  if (restored === undefined) {
    tell({ kind: 'restored', step: 0, generation: 0 })
    return 0
  }
  const { step } = restored
  const shards = await Promise.all(
    restored.files.map(async (_, index) => shardOf(await readFile(join(to, shardName(index))))),
  )
  const torn = tornIn(shards, step, size)
  if (torn !== undefined) tell({ kind: 'broken', what: `R1: ${torn}` })
  if (restored.passedOver.length > 0)
    tell({ kind: 'broken', what: `steps were passed over: ${JSON.stringify(restored.passedOver)}` })
  tell({ kind: 'restored', step, generation: shards[0]?.generation ?? 0 })
  return step
}

async function train(from: number): Promise<never> {
  for (let step = from + 1; ; step += 1) {
    await setTimeout(Math.random() * longestStep)
    await save(step)
    tell({ kind: 'saved', step })
  }
}

/** A save whose peers are late, or whose store does not answer, is repeated. */
async function save(step: number): Promise<void> {
  const files = { [shardName(rank)]: bytesOf({ rank, step, generation }) }
  for (;;) {
    try {
      await store.save({ step, files })
      return
    } catch (error) {
      if (!isHoldfastError(error, 'INCOMPLETE', 'UNAVAILABLE', 'OUTCOME_UNKNOWN')) throw error
      if (error.code === 'INCOMPLETE') tell({ kind: 'incomplete', step })
    }
  }
}
