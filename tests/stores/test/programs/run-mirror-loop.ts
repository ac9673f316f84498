/** Kills a job with a mirror on MinIO: `node tests/stores/test/programs/run-mirror-loop.ts [rounds] [seed]`. Prints its seed. */
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { exitOnSignals, startServer } from '@holdfast/test-servers'

import { mirrorLoop } from '../support/mirror-loop.ts'

exitOnSignals()
const rounds = Number(process.argv[2] ?? 500)
const seed = Number(process.argv[3] ?? Date.now() % 1e6)
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
