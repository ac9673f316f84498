import { createHash } from 'node:crypto'

/** The part of one rank. Its bytes depend on the rank, the step and the start of the job that saved it. */
export interface Shard {
  readonly rank: number
  readonly step: number
  readonly generation: number
}

/** The size in bytes of the state of a rank. */
const stateBytes = 64 * 1024

export function shardName(rank: number): string {
  return `rank-${rank}.bin`
}

/** A line that names the shard, and bytes that follow from it. */
export function bytesOf(shard: Shard): Buffer {
  const line = JSON.stringify({ rank: shard.rank, step: shard.step, generation: shard.generation })
  const state = Buffer.alloc(stateBytes)
  let block = createHash('sha256').update(line).digest()
  for (let at = 0; at < stateBytes; at += block.length) {
    block.copy(state, at)
    block = createHash('sha256').update(block).digest()
  }
  return Buffer.concat([Buffer.from(`${line}\n`), state])
}

/** Returns the shard that bytes are; `undefined` if they are not exactly those of one. */
export function shardOf(bytes: Buffer): Shard | undefined {
  const end = bytes.indexOf('\n')
  if (end === -1) return undefined
  const { rank, step, generation } = JSON.parse(bytes.subarray(0, end).toString()) as Shard
  const shard = { rank, step, generation }
  return bytesOf(shard).equals(bytes) ? shard : undefined
}

/** What is torn in the shards of one checkpoint of `size` ranks; `undefined` if nothing is. */
export function tornIn(
  shards: readonly (Shard | undefined)[],
  step: number,
  size: number,
): string | undefined {
  if (shards.length !== size) return `step ${step} has ${shards.length} of ${size} files`
  for (const [rank, shard] of shards.entries()) {
    if (shard === undefined) return `the file of rank ${rank} at step ${step} has wrong bytes`
    if (shard.rank !== rank || shard.step !== step)
      return `the file of rank ${rank} at step ${step} is that of rank ${shard.rank} at step ${shard.step}`
  }
  const generations = new Set(shards.map((shard) => shard?.generation))
  return generations.size === 1
    ? undefined
    : `step ${step} mixes the starts ${[...generations].join(', ')} of the job`
}
