/**
 * Prints the requests of one joint save for jobs of some sizes: `npx -y pnpm@12 joint-requests 8 64 --turns 512 --memory 512`.
 * Each rank has a connection of its own to the S3 emulator. Those of sizes after `--turns` share one, and those of sizes after
 * `--memory` a store in memory.
 */
import { countJointSaveInMemory, countJointSaveInTurns } from './joint-requests-in-turns.ts'
import { countJointSave } from './joint-requests.ts'

/** US dollars for 1,000 requests in S3 Standard (us-east-1), https://aws.amazon.com/s3/pricing/. Deletions are free. */
const price = { writes: 0.005, reads: 0.0004 }

let play = countJointSave
for (const argument of process.argv.slice(2)) {
  if (argument.startsWith('--')) {
    play = argument === '--memory' ? countJointSaveInMemory : countJointSaveInTurns
    continue
  }
  const size = Number(argument)
  const { total, writes, reads, deletions, ranks } = await play(size)
  const others = ranks.filter(({ isCommitting }) => !isCommitting)
  const committing = ranks.filter(({ isCommitting }) => isCommitting)
  const dollars = (writes * price.writes + reads * price.reads) / 1000
  process.stdout.write(
    `${size} ranks: ${total} requests (${writes} writes and lists, ${reads} reads, ${deletions} deletions), ` +
      `$${dollars.toFixed(4)} per save. Besides the payload, the rank that commits sends ` +
      `${Math.max(...committing.map(({ requests }) => requests))}, and the others at most ` +
      `${Math.max(...others.map(({ requests, polls }) => requests - 3 * polls))} and 3 for each of at most ` +
      `${Math.max(...others.map(({ polls }) => polls))} polls.\n`,
  )
}
