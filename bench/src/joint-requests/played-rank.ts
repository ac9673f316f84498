import { CheckpointStore, type RanksOptions, systemEnvironment } from '@holdfast/core'
import { openBackend } from '@holdfast/core/backend'
import { adapter } from '@holdfast/adapter-s3'
import { type Proxy, startProxy } from '@holdfast/emulators/proxy'
import { type S3Emulator, startS3Emulator } from '@holdfast/emulators'

/** A process of a rank, with a connection of its own to the S3 emulator. */
export interface PlayedRank {
  readonly proxy: Proxy
  readonly store: CheckpointStore
  /** How often the process has waited between two looks at the store. */
  polls: number
}

const bucket = 'ranks'

/** Starts the S3 emulator for a job. */
export async function startJobEmulator(): Promise<S3Emulator> {
  const emulator = await startS3Emulator({ buckets: [bucket] })
  const { accessKeyId, secretAccessKey } = emulator.credentials
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey })
  return emulator
}

/** Starts a process of a rank. It waits as in production between two looks. */
export async function playRank(
  { endpoint, region }: Pick<S3Emulator, 'endpoint' | 'region'>,
  ranks: RanksOptions,
): Promise<PlayedRank> {
  const proxy = await startProxy({ target: endpoint })
  const url = new URL(`s3://${bucket}/job?endpoint=${proxy.url}&region=${region}`)
  const backend = await openBackend(url, { adapters: [adapter] })
  const played = { proxy, polls: 0 }
  const environment = {
    ...systemEnvironment,
    pause: async (...given: Parameters<typeof systemEnvironment.pause>) => {
      played.polls += 1
      await systemEnvironment.pause(...given)
    },
  }
  const timeouts = { joinTimeout: 600_000, saveTimeout: 600_000 }
  return Object.assign(played, {
    store: new CheckpointStore(backend, { ranks: { ...ranks, ...timeouts } }, environment),
  })
}

/** Ends the process of a rank. */
export async function endRank({ store, proxy }: PlayedRank): Promise<void> {
  await store.close()
  await proxy.close()
}

/** The small file that a rank saves at a step. */
export function shardOf(rank: number, step: number): Readonly<Record<string, Uint8Array>> {
  return { [`rank-${rank}.bin`]: Buffer.from(`rank ${rank} at step ${step}`) }
}
