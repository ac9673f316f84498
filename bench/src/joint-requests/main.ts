/**
 * Prints the requests of one joint save for jobs of some sizes: `npx -y pnpm@12 joint-requests [SIZE...] [--turns SIZE...]
 * [--memory SIZE...] [--starts SIZE...]`, for example `joint-requests 8 64 --turns 512 --memory 512`.
 * Each rank has a connection of its own to the S3 emulator. Those of sizes after `--turns` share one, and those of sizes after
 * `--memory` a store in memory. For sizes after `--starts` it prints the requests of a start, and of a save by processes that
 * have a member file.
 */
import type { parseArgs } from 'node:util'
import { readCommandLine, UsageError, wholeNumber } from '../../../scripts/parts/command-line.ts'
import { countJointSaveInMemory, countJointSaveInTurns } from './count-in-turns.ts'
import { countJointSave, type RankRequests } from './count-joint-save.ts'
import { countStarts } from './count-starts.ts'

/** US dollars for 1,000 requests in S3 Standard (us-east-1), https://aws.amazon.com/s3/pricing/. Deletions are free. */
const price = { writes: 0.005, reads: 0.0004 }

type Count = typeof countJointSave

/** How the requests for the sizes after each of these options are counted. */
const ways: Readonly<Record<string, Count | 'starts'>> = {
  turns: countJointSaveInTurns,
  memory: countJointSaveInMemory,
  starts: 'starts',
}

const config = {
  allowPositionals: true,
  tokens: true,
  options: { turns: { type: 'boolean' }, memory: { type: 'boolean' }, starts: { type: 'boolean' } },
} as const

const jobs = readCommandLine(import.meta.filename, config, ({ tokens }) => jobsOf(tokens))
for (const { size, way } of jobs) {
  if (way === 'starts') await printStarts(size)
  else await printJointSave(size, way)
}

interface Job {
  readonly size: number
  readonly way: Count | 'starts'
}

/** Returns the sizes of the command line in their order, each with the way of the option before it. */
function jobsOf(tokens: ReturnType<typeof parseArgs<typeof config>>['tokens']): readonly Job[] {
  const chosen: Job[] = []
  let way: Job['way'] = countJointSave
  for (const token of tokens) {
    if (token.kind === 'option') way = ways[token.name] ?? way
    if (token.kind === 'positional') chosen.push({ size: wholeNumber('A size', token.value), way })
  }
  if (chosen.length === 0) throw new UsageError('No size was given. Pass numbers of ranks, such as 8 64.')
  return chosen
}

async function printJointSave(size: number, count: Count): Promise<void> {
  const { total, writes, reads, deletions, ranks } = await count(size)
  const others = ranks.filter(({ isCommitting }) => !isCommitting)
  const committing = ranks.filter(({ isCommitting }) => isCommitting)
  const dollars = (writes * price.writes + reads * price.reads) / 1000
  process.stdout.write(
    `${size} ranks: ${total} requests (${writes} writes and lists, ${reads} reads, ${deletions} deletions), ` +
      `$${dollars.toFixed(4)} per save. Besides the payload, the rank that commits sends ` +
      `${Math.max(...committing.map(({ requests }) => requests))}, and the others at most ` +
      `${mostWithout(3, others)} and 3 for each of at most ` +
      `${Math.max(...others.map(({ polls }) => polls))} polls.\n`,
  )
}

async function printStarts(size: number): Promise<void> {
  const { first, next, saves } = await countStarts(size)
  const committing = saves.filter(({ isCommitting }) => isCommitting)
  const others = saves.filter(({ isCommitting }) => !isCommitting)
  process.stdout.write(
    `${size} ranks: a rank that joins sends at most ${mostWithout(2, next)} requests, and ${mostWithout(2, first)} at the ` +
      'first start of a store, and 2 for each further look at the store. ' +
      `A process with a member file sends at most ${mostWithout(3, others)} requests for a save, and ` +
      `${mostWithout(3, committing)} if it commits, and 3 for each further look.\n`,
  )
}

/** The most requests of a rank besides those of its polls. */
function mostWithout(perPoll: number, ranks: readonly Pick<RankRequests, 'requests' | 'polls'>[]): number {
  return Math.max(...ranks.map(({ requests, polls }) => requests - perPoll * polls))
}
