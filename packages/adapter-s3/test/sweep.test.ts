import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { S3Backend } from '../src/index.ts'

const startedAt = '2026-11-24T12:00:00.000Z'

/** Returns a backend on a server that lists one upload below the root of the store, but only without a prefix. */
async function withHiddenUpload({
  server: name,
  statuses = [200],
}: {
  readonly server: string
  /** The statuses of lists without a prefix, one after the other. The last one is repeated. */
  readonly statuses?: readonly number[]
}): Promise<{ readonly backend: S3Backend; readonly prefixes: readonly string[] }> {
  const prefixes: string[] = []
  const left = [...statuses]
  const server = createServer(({ url }, response) => {
    const prefix = new URL(url ?? '', 'http://host').searchParams.get('prefix') ?? ''
    prefixes.push(prefix)
    const status = (left.length > 1 && prefix === '' ? left.shift() : left[0]) ?? 200
    response.writeHead(prefix === '' ? status : 200, { server: name, 'content-type': 'application/xml' })
    const upload = `<Upload><Key>a/k</Key><UploadId>1</UploadId><Initiated>${startedAt}</Initiated></Upload>`
    const list = (uploads: string): string =>
      `<ListMultipartUploadsResult>${uploads}<IsTruncated>false</IsTruncated></ListMultipartUploadsResult>`
    if (prefix !== '') response.end(list(''))
    else if (status === 200) response.end(list(upload))
    else
      response.end(
        `<Error><Code>${status === 503 ? 'SlowDown' : 'AccessDenied'}</Code><Message>No</Message></Error>`,
      )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
  const backend = new S3Backend('bucket', 'a', { endpoint, credentials })
  onTestFinished(async () => {
    await backend.close()
    server.closeAllConnections()
    server.close()
  })
  return { backend, prefixes }
}

test.each(['MinIO', 'nginx'])(
  'finds an unfinished upload that a list for a prefix hides, if the server is called %s',
  async (server) => {
    const { backend, prefixes } = await withHiddenUpload({ server })
    expect(await backend.sweep({ olderThan: 0, dryRun: true })).toEqual({
      discarded: [{ key: 'k', startedAt: new Date(startedAt) }],
      left: 0,
    })
    expect(prefixes).toEqual(['a/', ''])
  },
)

test('lists the uploads of a prefix once on Amazon S3', async () => {
  const { backend, prefixes } = await withHiddenUpload({ server: 'AmazonS3' })
  expect(await backend.sweep({ olderThan: 0, dryRun: true })).toEqual({ discarded: [], left: 0 })
  expect(prefixes).toEqual(['a/'])
})

test.each([
  ['at once', [403]],
  ['after a temporary error', [503, 503, 503, 503, 503, 503, 503, 403]],
])('sweeps the prefix if a list of the whole bucket is forbidden %s', async (_, statuses) => {
  const { backend } = await withHiddenUpload({ server: 'nginx', statuses })
  expect(await backend.sweep({ olderThan: 0, dryRun: true })).toEqual({ discarded: [], left: 0 })
})
