import { CreateMultipartUploadCommand, S3Client } from '@aws-sdk/client-s3'
import { adapter as s3 } from '@holdfast/adapter-s3'
import { startProxy } from '@holdfast/emulators/proxy'
import { describe, expect, test } from 'vitest'
import { openAt, openBackendAt } from './support/open-at.ts'
import { kindsOfStore } from './support/kinds-of-store.ts'

const kinds = (await kindsOfStore()).filter(({ adapter }) => adapter === s3)

describe.each(kinds)('unfinished uploads in $name', (kind) => {
  test('are discarded by a sweep, except those of other programs and of nested stores', async () => {
    const place = kind.place()
    await using store = await openAt(kind, place, { mode: 'exclusive', gracePeriod: 0 })
    await store.save({ step: 1, files: { a: Buffer.from('a') } })
    const { hostname: bucket, pathname, searchParams } = new URL(place.url)
    const client = new S3Client({
      endpoint: searchParams.get('endpoint') ?? '',
      region: searchParams.get('region') ?? '',
      forcePathStyle: true,
      credentials: {
        accessKeyId: place.env['AWS_ACCESS_KEY_ID'] ?? '',
        secretAccessKey: place.env['AWS_SECRET_ACCESS_KEY'] ?? '',
      },
    })
    const attempt = '7-0-0123456789abcdef'
    const theirs = [
      'other/file',
      'data/of-another-program',
      'catalog/backup.tar',
      `nested/data/${attempt}/model.bin`,
    ]
    const ours = [`data/${attempt}/model.bin`, 'pages/1-0123456789abcdef.json']
    for (const key of [...theirs, ...ours])
      await client.send(
        new CreateMultipartUploadCommand({ Bucket: bucket, Key: `${pathname.slice(1)}/${key}` }),
      )
    client.destroy()
    await store.sweep()
    const { discarded } = await store.backend.sweep({ olderThan: 0, dryRun: true })
    expect(discarded.map(({ key }) => key).toSorted()).toEqual(theirs.toSorted())
  })

  test('are not left by a put that is aborted while its upload starts', async () => {
    const stop = new AbortController()
    await using proxy = await startProxy({
      target: kind.endpoint ?? '',
      plan({ operation }) {
        if (operation === 'CreateMultipartUpload')
          setImmediate(() => {
            stop.abort()
          })
        return operation === 'CreateMultipartUpload' ? { kind: 'delay', milliseconds: 50 } : undefined
      },
    })
    const backend = await openBackendAt(kind, kind.place(proxy.url))
    const put = backend.put('large', Buffer.alloc(3 * kind.partBytes), { signal: stop.signal })
    await expect(put).rejects.toMatchObject({ code: 'ABORTED' })
    expect(proxy.requests.counts()).toMatchObject({ CreateMultipartUpload: 1, AbortMultipartUpload: 1 })
    expect(await backend.sweep({ olderThan: 0, dryRun: true })).toEqual({ discarded: [], left: 0 })
    await backend.close()
  })
})
