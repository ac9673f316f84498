import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { S3Client, type S3ClientConfig, S3ServiceException } from '@aws-sdk/client-s3'
import { onTestFinished } from 'vitest'
import { type S3Emulator, type S3EmulatorOptions, startS3Emulator } from '../../src/emulators/index.ts'

export const Bucket = 'checkpoints'

/** An emulator with one bucket that lives as long as the test. */
export async function emulatorOf(options: S3EmulatorOptions = {}): Promise<S3Emulator> {
  const emulator = await startS3Emulator({ buckets: [Bucket], ...options })
  onTestFinished(async () => {
    await emulator.close()
  })
  return emulator
}

/** The SDK on an emulator, with its own retries off, so that what the emulator says is what a test sees. */
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
  // the SDK says on standard error what it throws as well
}

/** The SDK on an emulator in memory. */
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

/** The status and the code of the error that the call fails with, such as `404 NoSuchKey`, or `none`. */
export async function failure(call: Promise<unknown>): Promise<string> {
  try {
    await call
    return 'none'
  } catch (error) {
    if (!(error instanceof S3ServiceException)) throw error
    return `${error.$metadata.httpStatusCode ?? 0} ${error.name}`
  }
}

/** A body whose length is told and which is not all there yet. */
export function streamed(source: AsyncIterable<Uint8Array>, ContentLength: number): StreamedBody {
  return { Body: Readable.from(source, { objectMode: false }), ContentLength }
}

export interface StreamedBody {
  readonly Body: Readable
  readonly ContentLength: number
}
