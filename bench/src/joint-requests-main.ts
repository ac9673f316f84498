/**
 * Prints the requests of one joint save for jobs of some sizes: `node src/joint-requests-main.ts 8 64 --memory 512`. Sizes after
 * `--memory` are played on a store in memory instead of the S3 emulator.
 */
import { countJointSaveInMemory } from './joint-requests-in-memory.ts'
import { countJointSave } from './joint-requests.ts'

/** US dollars for 1,000 requests in S3 Standard (us-east-1), https://aws.amazon.com/s3/pricing/. Deletions are free. */
const price = { writes: 0.005, reads: 0.0004 }

const given = process.argv.slice(2)
const inMemory = given.indexOf('--memory')
for (const [at, argument] of given.entries()) {
  if (at === inMemory) continue
  const play = inMemory !== -1 && at > inMemory ? countJointSaveInMemory : countJointSave
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
