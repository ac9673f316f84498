import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { S3Client, type S3ClientConfig, S3ServiceException } from '@aws-sdk/client-s3'
import { onTestFinished } from 'vitest'
import { type S3Emulator, type S3EmulatorOptions, startS3Emulator } from '../../src/index.ts'

export const Bucket = 'checkpoints'

/** Starts an emulator with one bucket. It is closed at the end of the test. */
export async function emulatorOf(options: S3EmulatorOptions = {}): Promise<S3Emulator> {
  const emulator = await startS3Emulator({ buckets: [Bucket], ...options })
  onTestFinished(async () => {
    await emulator.close()
  })
  return emulator
}

/** Returns a client of the SDK without retries, so that a test sees each response of the emulator. */
export function clientOf(
  { endpoint, region, credentials }: Pick<S3Emulator, 'endpoint' | 'region' | 'credentials'>,
  options: S3ClientConfig = {},
): S3Client {
  const client = new S3Client({
    endpoint,
    region,
    credentials,
    forcePathStyle: true,
    maxAttempts: 1,
    logger: { debug: silent, info: silent, warn: silent, error: silent },
    ...options,
  })
  onTestFinished(() => {
    client.destroy()
  })
  return client
}

function silent(): void {
  // the SDK also logs the errors that it throws
}

/** Starts an emulator in memory and returns a client. */
export async function s3(options: S3EmulatorOptions = {}): Promise<S3Client> {
  return clientOf(await emulatorOf(options))
}

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-emulator-'))
  onTestFinished(async () => {
    await rm(folder, { recursive: true })
  })
  return folder
}

/** Returns the status and the code of the error of a call, such as `404 NoSuchKey`, or `none` if the call succeeds. */
export async function failure(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'none'
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error
    return `${error.$metadata.httpStatusCode ?? 0} ${error.name}`
  }
}

/** Returns a body whose length is announced before all its bytes exist. */
export function streamed(source: AsyncIterable<Uint8Array>, ContentLength: number): StreamedBody {
  return { Body: Readable.from(source, { objectMode: false }), ContentLength }
}

export interface StreamedBody {
  readonly Body: Readable
  readonly ContentLength: number
}
