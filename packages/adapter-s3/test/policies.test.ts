import { conformanceCases, policiesFor } from '@holdfast/conformance'
import { startS3Emulator } from '@holdfast/emulators'
import { expect, test } from 'vitest'
import { subjectOn } from './subject.ts'

/** The actions that allow each request: https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html. */
const actionOf: Readonly<Record<string, string>> = {
  HeadBucket: 's3:ListBucket',
  ListObjectsV2: 's3:ListBucket',
  ListMultipartUploads: 's3:ListBucketMultipartUploads',
  GetObject: 's3:GetObject',
  HeadObject: 's3:GetObject',
  PutObject: 's3:PutObject',
  CopyObject: 's3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  UploadPartCopy: 's3:PutObject',
  CompleteMultipartUpload: 's3:PutObject',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
  ListParts: 's3:ListMultipartUploadParts',
  DeleteObject: 's3:DeleteObject',
}

function actionsOf(document: string | undefined): ReadonlySet<string> {
  const { Statement } = JSON.parse(document ?? '') as {
    readonly Statement: readonly { readonly Action: string | readonly string[] }[]
  }
  return new Set(Statement.flatMap(({ Action }) => Action))
}

const [writer, reader, lifecycle] = policiesFor(new URL('s3://checkpoints/runs/a'))

test('the policy of a writer allows what the backend does, and no action of it is superfluous', async () => {
  const allowed = actionsOf(writer?.text)
  const used = new Set<string>()
  await using s3 = await startS3Emulator({
    buckets: ['checkpoints'],
    denies: ({ operation }) => {
      // The request as a whole needs no action. Each of its keys is checked as `DeleteObject`.
      if (operation === 'DeleteObjects') return false
      const action = actionOf[operation] ?? operation
      used.add(action)
      return !allowed.has(action)
    },
  })
  const { endpoint, region, credentials } = s3
  const options = { endpoint, region, credentials }
  const subject = subjectOn({
    name: 'emulator',
    bucket: 'checkpoints',
    endpoint,
    options,
    gaps: {},
    unsteady: {},
  })
  const chosen =
    /^(commit creates|list starts|delete reports|put replaces|a resumable put continues|a sweep discards|sweep keeps unf|read returns)/
  for (const each of conformanceCases.filter(({ name }) => chosen.test(name))) {
    const backend = await subject.open()
    await each.run(backend, subject)
    await backend.close()
  }
  expect([...used].sort()).toEqual([...allowed].sort())
})

test('the policies name only the path', () => {
  expect(writer?.text).toContain('"arn:aws:s3:::checkpoints/runs/a/*"')
  expect(writer?.text).toContain('"runs/a/*"')
  expect([...actionsOf(reader?.text)]).toEqual(['s3:GetObject', 's3:ListBucket'])
  expect(lifecycle?.text).toContain('"Prefix": "runs/a/"')
})

test('a bucket with versions has a rule that removes deleted objects', () => {
  const [, , , versions] = policiesFor(new URL('s3://checkpoints/runs/a'))
  expect(versions?.title).toContain('versions or object lock')
  expect(versions?.text).toContain('NoncurrentVersionExpiration')
})

test('the policies of a directory bucket allow sessions, and only reading ones to a reader', () => {
  const [one, other] = policiesFor(new URL('s3://runs--use1-az4--x-s3/a'))
  expect([...actionsOf(one?.text)]).toEqual(['s3express:CreateSession'])
  expect(one?.text).not.toContain('SessionMode')
  expect(other?.text).toContain('"s3express:SessionMode": "ReadOnly"')
})

test('the policies of an access point of a directory bucket name the access point', () => {
  const [one, , lifecycle] = policiesFor(new URL('s3://runs--use1-az4--xa-s3/a'))
  expect(one?.text).toContain('"arn:aws:s3express:*:*:accesspoint/runs--use1-az4--xa-s3"')
  expect(lifecycle?.title).toContain('--bucket BUCKET ')
})

test('a writer that pins with legal holds may place them, and a reader may not', () => {
  const [one, other] = policiesFor(new URL('s3://checkpoints/runs/a?legalHolds=true'))
  expect(actionsOf(one?.text)).toContain('s3:PutObjectLegalHold')
  expect(actionsOf(other?.text)).not.toContain('s3:PutObjectLegalHold')
  expect(actionsOf(writer?.text)).not.toContain('s3:PutObjectLegalHold')
})

test.each([
  ['arn:aws:kms:eu-west-1:123456789012:key/k1', '"Resource": "arn:aws:kms:eu-west-1:123456789012:key/k1"'],
  ['k1', '"Resource": "arn:aws:kms:*:*:key/k1"'],
  ['alias/training', '"kms:ResourceAliases": "alias/training"'],
  ['arn:aws:kms:eu-west-1:123456789012:alias/training', '"kms:ResourceAliases": "alias/training"'],
])('the policies allow the use of the key %s', (key, statement) => {
  for (const bucket of ['checkpoints', 'runs--use1-az4--x-s3']) {
    const url = new URL(`s3://${bucket}/runs/a?encryption=aws:kms`)
    url.searchParams.set('kmsKeyId', key)
    const [one, other] = policiesFor(url)
    expect(actionsOf(one?.text)).toContain('kms:GenerateDataKey')
    expect(actionsOf(other?.text)).toContain('kms:Decrypt')
    expect(actionsOf(other?.text)).not.toContain('kms:GenerateDataKey')
    for (const document of [one, other]) expect(document?.text).toContain(statement)
  }
})

test.each([
  ['gs://bucket/runs/a', 'storage.objects.create'],
  ['az://account/container/runs/a', 'containers/blobs/delete'],
])('prints roles for %s', (url, permission) => {
  const [first, second] = policiesFor(new URL(url))
  expect(first?.text).toContain(permission)
  expect(second?.text).not.toContain(permission)
})

test('prints no policy for a disk', () => {
  expect(policiesFor(new URL('file:///runs/a'))).toEqual([])
})
