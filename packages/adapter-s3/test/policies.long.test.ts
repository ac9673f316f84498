import { randomUUID } from 'node:crypto'
import { conformanceCases, describeConformance, policiesFor, type Subject } from '@holdfast/conformance'
import { CheckpointStore } from '@holdfast/core'
import { isAvailable } from '@holdfast/test-servers'
import { describe, expect, inject, test } from 'vitest'
import { S3Backend, type S3Options } from '../src/index.ts'
import { assumeRole } from './assume-role.ts'
import { testServers } from './servers.ts'
import { subjectOn } from './subject.ts'

/** MinIO, on which a policy can restrict temporary credentials. */
const server = isAvailable(inject('servers').minio)
  ? (await testServers()).find(({ name }) => name === 'MinIO')
  : undefined

/** Opens backends with credentials that one of the printed policies restricts. */
async function restricted(
  { bucket, endpoint, options }: NonNullable<typeof server>,
  path: string,
  role: 'writer' | 'reader',
): Promise<S3Options> {
  const { region = 'us-east-1', credentials } = options
  const policy = policiesFor(new URL(`s3://${bucket}/${path}`)).find(({ title }) => title.includes(role))
  if (credentials === undefined || policy === undefined) throw new Error('There is nothing to restrict')
  return { ...options, credentials: await assumeRole(endpoint, region, credentials, policy.text) }
}

if (server === undefined) test.skip('the printed policies suffice (skipped: MinIO is not available)')
else {
  const path = `runs/${randomUUID()}`
  const writer = await restricted(server, path, 'writer')
  const reader = await restricted(server, path, 'reader')
  const partSize = 5 * 2 ** 20
  const subject: Subject = {
    ...subjectOn(server),
    open: async () => new S3Backend(server.bucket, `${path}/${randomUUID()}`, { ...writer, partSize }),
    reopen: async ({ url }) => new S3Backend(server.bucket, new URL(url).pathname, { ...writer, partSize }),
    failing: {
      PERMISSION_DENIED: async () => new S3Backend(server.bucket, 'elsewhere', writer),
    },
  }
  describeConformance(
    { describe, test },
    'S3Backend on MinIO with the printed policy of a writer',
    subject,
    conformanceCases,
  )

  test('the printed policy of a reader suffices to verify a store, and denies every write', async () => {
    await using written = new CheckpointStore(new S3Backend(server.bucket, `${path}/store`, writer))
    await written.save({ step: 1, files: { 'model.bin': Buffer.alloc(200_000, 1) } })
    const backend = new S3Backend(server.bucket, `${path}/store`, reader)
    await using read = new CheckpointStore(backend)
    expect((await read.list()).map(({ step }) => step)).toEqual([1])
    expect((await read.verify()).good).toBe(true)
    const denied = expect.objectContaining({ code: 'PERMISSION_DENIED' }) as Error
    await expect(backend.put('k', Buffer.from('x'))).rejects.toEqual(denied)
    await expect(backend.commit('k', Buffer.from('x'))).rejects.toEqual(denied)
    await expect(backend.delete(['holdfast.json'])).rejects.toEqual(denied)
    await expect(read.save({ step: 2, files: { a: Buffer.from('x') } })).rejects.toEqual(denied)
  })
}
