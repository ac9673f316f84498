import type { Bucket, File } from '@google-cloud/storage'
import { Crc32c, crc32cBase64 } from '@holdfast/core/backend'
import { describe, expect, test } from 'vitest'
import { patterned } from '@holdfast/conformance/testing'
import { send } from '../requests.ts'
import { temporaryFolder } from '../s3/emulators.ts'
import { bucketName, emulatorOf, failure, gcs, storageOf } from './emulators.ts'

const parts = [patterned(100_000, 1), patterned(0), patterned(3, 2)]
const whole = Buffer.concat(parts)
const crc32c = crc32cBase64(new Crc32c().update(whole).value)

async function stored(bucket: Bucket): Promise<File[]> {
  return await Promise.all(
    parts.map(async (bytes, index) => {
      const file = bucket.file(`part-${index}`)
      await file.save(bytes, { resumable: false })
      return file
    }),
  )
}

function generationOf(file: File): number {
  return Number(file.metadata.generation)
}

/** Sends a compose request with this body, and returns its status. */
async function compose(bucket: Bucket, body: object, query = ''): Promise<number> {
  const { apiEndpoint } = bucket.storage
  const target = `/storage/v1/b/${bucketName}/o/whole/compose${query}`
  return (await send(apiEndpoint, 'POST', target, [], JSON.stringify(body))).status
}

describe('a composition', () => {
  test('has the bytes of its sources in order, a CRC32C and no MD5', async () => {
    const bucket = await gcs()
    const sources = await stored(bucket)
    await bucket.combine(sources, bucket.file('whole'), { ifGenerationMatch: 0 })
    const [metadata] = await bucket.file('whole').getMetadata()
    expect(metadata).toMatchObject({ size: String(whole.byteLength), crc32c, componentCount: 3 })
    expect(metadata.md5Hash).toBeUndefined()
    expect(Buffer.compare((await bucket.file('whole').download())[0], whole)).toBe(0)
  })

  test.each(['in memory', 'on disk'])(
    'survives the deletion of its sources, and they survive its deletion (%s)',
    async (place) => {
      const bucket = await gcs(place === 'on disk' ? { directory: await temporaryFolder() } : {})
      const sources = await stored(bucket)
      await bucket.combine(sources, bucket.file('whole'))
      await bucket.combine([bucket.file('whole'), bucket.file('part-2')], bucket.file('twice'))
      for (const source of sources) await source.delete()
      expect(Buffer.compare((await bucket.file('whole').download())[0], whole)).toBe(0)
      await bucket.file('whole').delete()
      const twice = Buffer.concat([...parts, patterned(3, 2)])
      expect(Buffer.compare((await bucket.file('twice').download())[0], twice)).toBe(0)
      expect((await bucket.file('twice').getMetadata())[0].componentCount).toBe(4)
    },
  )

  test('can replace one of its sources', async () => {
    const bucket = await gcs()
    const [first, , last] = await stored(bucket)
    if (first === undefined || last === undefined) throw new Error('no sources')
    await bucket.combine([first, last, first], first)
    const expected = Buffer.concat([patterned(100_000, 1), patterned(3, 2), patterned(100_000, 1)])
    expect(Buffer.compare((await first.download())[0], expected)).toBe(0)
  })

  test('returns 404 and creates nothing if a source does not exist', async () => {
    const bucket = await gcs()
    await stored(bucket)
    const call = bucket.combine(['part-0', 'missing'], bucket.file('whole'))
    expect(await failure(call)).toBe('404 notFound')
    expect(await bucket.file('whole').exists()).toEqual([false])
  })

  test('accepts generations and conditions of its sources', async () => {
    const bucket = await gcs()
    const [source] = await stored(bucket)
    const is = source === undefined ? 0 : generationOf(source)
    const of = (more: object): Promise<number> =>
      compose(bucket, { sourceObjects: [{ name: 'part-0', ...more }] })
    expect(await of({ generation: String(is) })).toBe(200)
    expect(await of({ generation: is })).toBe(200)
    expect(await of({ generation: is + 1 })).toBe(404)
    expect(await of({ objectPreconditions: { ifGenerationMatch: String(is) } })).toBe(200)
    expect(await of({ objectPreconditions: { ifGenerationMatch: is + 1 } })).toBe(412)
  })

  test('checks the conditions on its destination', async () => {
    const bucket = await gcs()
    await stored(bucket)
    const into = (query: string): Promise<number> =>
      compose(bucket, { sourceObjects: [{ name: 'part-0' }] }, query)
    expect(await into('?ifGenerationMatch=0')).toBe(200)
    expect(await into('?ifGenerationMatch=0')).toBe(412)
    expect(await into('?ifMetagenerationMatch=2')).toBe(412)
    expect(await into('?ifMetagenerationMatch=1')).toBe(200)
    expect(await into('?ifGenerationNotMatch=1')).toBe(501)
  })

  test('succeeds in exactly one of 16 concurrent requests with ifGenerationMatch: 0', async () => {
    const bucket = await gcs()
    await stored(bucket)
    const results = await Promise.all(
      Array.from({ length: 16 }, () =>
        compose(bucket, { sourceObjects: [{ name: 'part-0' }] }, '?ifGenerationMatch=0'),
      ),
    )
    expect(results.toSorted((one, other) => one - other)).toEqual([
      200,
      ...Array.from({ length: 15 }, () => 412),
    ])
  })

  test('requires 1 to 32 sources', async () => {
    const bucket = await gcs()
    await stored(bucket)
    const of = (count: number): Promise<number> =>
      compose(bucket, { sourceObjects: Array.from({ length: count }, () => ({ name: 'part-0' })) })
    expect(await of(32)).toBe(200)
    expect(await of(33)).toBe(400)
    expect(await of(0)).toBe(400)
  })

  test('sets the metadata of its destination', async () => {
    const bucket = await gcs()
    await stored(bucket)
    const destination = { contentType: 'a/b', metadata: { c: 'd' }, storageClass: 'COLDLINE' }
    expect(await compose(bucket, { sourceObjects: [{ name: 'part-0' }], destination })).toBe(200)
    expect((await bucket.file('whole').getMetadata())[0]).toMatchObject(destination)
  })

  test.each([
    [{ sourceObjects: 'part-0' }, 400],
    [{ sourceObjects: [{}] }, 400],
    [{ sourceObjects: ['part-0'] }, 400],
    [{ sourceObjects: [{ name: 'part-0', generation: 'x' }] }, 400],
    [{ sourceObjects: [{ name: 'part-0', unknown: 1 }] }, 501],
    [{ sourceObjects: [{ name: 'part-0', objectPreconditions: { ifMetagenerationMatch: 1 } }] }, 501],
    [{ sourceObjects: [{ name: 'part-0' }], destination: 'whole' }, 400],
    [{ sourceObjects: [{ name: 'part-0' }], destination: { crc32c: 'AAAAAA==' } }, 501],
    [{ sourceObjects: [{ name: 'part-0' }], unknown: 1 }, 501],
  ])('refuses %j', async (body, status) => {
    const bucket = await gcs()
    await stored(bucket)
    expect(await compose(bucket, body)).toBe(status)
  })
})

describe('a copy', () => {
  test('has the bytes and the metadata of its source, and survives its deletion', async () => {
    const bucket = await gcs()
    const file = bucket.file('from')
    await file.save(whole, { resumable: false, metadata: { contentType: 'a/b', metadata: { c: 'd' } } })
    await file.copy(bucket.file('to/ü'))
    await file.delete()
    const [metadata] = await bucket.file('to/ü').getMetadata()
    expect(metadata).toMatchObject({ contentType: 'a/b', metadata: { c: 'd' }, crc32c })
    expect(Buffer.compare((await bucket.file('to/ü').download())[0], whole)).toBe(0)
  })

  test('can have its own metadata, and be in another bucket', async () => {
    const storage = storageOf(await emulatorOf({ buckets: [bucketName, 'other'] }))
    const file = storage.bucket(bucketName).file('from')
    await file.save('x', { resumable: false, metadata: { metadata: { c: 'd' } } })
    const to = storage.bucket('other').file('to')
    await file.copy(to, { contentType: 'e/f', metadata: { g: 'h' } })
    expect((await to.getMetadata())[0]).toMatchObject({ contentType: 'e/f', metadata: { g: 'h' } })
    expect(await failure(file.copy(storage.bucket('missing').file('to')))).toBe('404 notFound')
  })

  test.each(['rewriteTo', 'copyTo'])(
    'checks conditions on the source and on the destination (%s)',
    async (method) => {
      const { endpoint } = await emulatorOf()
      const file = storageOf({ endpoint }).bucket(bucketName).file('from')
      await file.save('x', { resumable: false })
      const is = generationOf(file)
      const copy = async (query: string): Promise<number> => {
        const target = `/storage/v1/b/${bucketName}/o/from/${method}/b/${bucketName}/o/to?${query}`
        return (await send(endpoint, 'POST', target)).status
      }
      expect(await copy('ifGenerationMatch=1')).toBe(412)
      expect(await copy('ifGenerationMatch=0')).toBe(200)
      expect(await copy('ifGenerationMatch=0')).toBe(412)
      expect(await copy(`ifSourceGenerationMatch=${is + 1}`)).toBe(412)
      expect(await copy(`ifSourceGenerationMatch=${is}&ifSourceMetagenerationMatch=1`)).toBe(200)
      expect(await copy('ifSourceMetagenerationNotMatch=1')).toBe(412)
      expect(await copy(`sourceGeneration=${is}`)).toBe(200)
      expect(await copy(`sourceGeneration=${is + 1}`)).toBe(404)
      expect(await copy('rewriteToken=x')).toBe(501)
    },
  )
})
