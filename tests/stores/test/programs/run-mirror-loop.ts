/** Kills a job with a mirror on MinIO: `npx -y pnpm@12 mirror-loop [ROUNDS] [SEED]`. Prints its seed. Without ROUNDS: 500. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { exitOnSignals, startServer } from '@holdfast/test-servers'
import { readCommandLine, UsageError, wholeNumber } from '../../../../scripts/parts/command-line.ts'
import { mirrorLoop } from '../support/mirror-loop.ts'

exitOnSignals()
const { rounds, seed } = readCommandLine(
  import.meta.filename,
  { allowPositionals: true },
  ({ positionals: [count = '500', first = `${Date.now() % 1e6}`, ...more] }) => {
    if (more.length > 0) throw new UsageError(`Pass only ROUNDS and SEED, without ${more.join(' ')}.`)
    return { rounds: wholeNumber('ROUNDS', count), seed: wholeNumber('SEED', first, 0) }
  },
)
const server = await startServer('minio')
if (server.how === 'unavailable') throw new Error(`MinIO is not available: ${server.reason}`)
try {
  const { endpoint, region, accessKeyId, secretAccessKey } = server.connection
  const bucket = server.connection.bucket ?? `holdfast-${randomUUID()}`
  if (server.connection.bucket === undefined) {
    const credentials = { accessKeyId, secretAccessKey }
    const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials })
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    client.destroy()
  }
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-mirror-'))
  const began = performance.now()
  console.log(`${rounds} rounds on ${server.name}, seed ${seed}`)
  const report = await mirrorLoop({
    folder,
    seed,
    rounds,
    mirror: {
      url: `s3://${bucket}/${randomUUID()}?endpoint=${endpoint}&region=${region}`,
      env: { ...process.env, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    },
    onRound: (round) => {
      if (round % 25 === 0) console.log(`${round} rounds, nothing lost`)
    },
  })
  await rm(folder, { recursive: true })
  const seconds = ((performance.now() - began) / 1000).toFixed(0)
  console.log(
    `${rounds} rounds in ${seconds} s, ${report.lostDisks} disks deleted, mirrored up to step ${report.mirrored}. Nothing was lost.`,
  )
} finally {
  await server.stop()
}
