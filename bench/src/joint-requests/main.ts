/**
 * Prints the requests of one joint save for jobs of some sizes: `npx -y pnpm@12 joint-requests 8 64 --turns 512 --memory 512`.
 * Each rank has a connection of its own to the S3 emulator. Those of sizes after `--turns` share one, and those of sizes after
 * `--memory` a store in memory. For sizes after `--starts` it prints the requests of a start, and of a save by processes that
 * have a member file.
 */
import { countJointSaveInMemory, countJointSaveInTurns } from './count-in-turns.ts'
import { countJointSave, type RankRequests } from './count-joint-save.ts'
import { countStarts } from './count-starts.ts'

/** US dollars for 1,000 requests in S3 Standard (us-east-1), https://aws.amazon.com/s3/pricing/. Deletions are free. */
const price = { writes: 0.005, reads: 0.0004 }

type Count = typeof countJointSave

/** How the requests for the sizes after each of these words are counted. Those of a start have another form. */
const ways = new Map<string, Count | undefined>([
  ['--turns', countJointSaveInTurns],
  ['--memory', countJointSaveInMemory],
  ['--starts', undefined],
])
let play: Count | undefined = countJointSave
for (const argument of process.argv.slice(2)) {
  if (ways.has(argument)) play = ways.get(argument)
  else if (play === undefined) await printStarts(Number(argument))
  else await printJointSave(Number(argument), play)
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
