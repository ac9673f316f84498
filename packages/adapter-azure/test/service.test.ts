import { createHash, randomBytes } from 'node:crypto'
import {
  AnonymousCredential,
  BlobServiceClient,
  ContainerSASPermissions,
  newPipeline,
} from '@azure/storage-blob'
import { type Fault, type Proxy, seededPlan, startProxy } from '@holdfast/emulators/proxy'
import { isHoldfastError } from '@holdfast/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AzureBackend, type AzureOptions } from '../src/index.ts'
import { newContainer, noServer } from './server.ts'

const blockSize = 64 * 2 ** 10
const retry = { attempts: 4, minDelay: 1, maxDelay: 5 }
const large = randomBytes(5 * blockSize + 17)

describe.skipIf(noServer)('a container of Azure', () => {
  let container: Awaited<ReturnType<typeof newContainer>>
  let backend: AzureBackend
  const opened: AzureBackend[] = []

  beforeAll(async () => {
    container = await newContainer()
    backend = open({ connectionString: container.connectionString })
  })
  afterAll(async () => {
    for (const each of opened) await each.close()
    await container.client.delete()
  })

  function open(options: AzureOptions): AzureBackend {
    const { account, name } = container
    const made = new AzureBackend(account, name, 'root', { blockSize, retry, ...options })
    opened.push(made)
    return made
  }

  const endpointOf = (origin: string): string =>
    origin + new URL(container.client.url).pathname.split('/').slice(0, -1).join('/')

  const endpoint = (): string => endpointOf(new URL(container.client.url).origin)

  async function sas(permissions: string): Promise<string> {
    const url = await container.client.generateSasUrl({
      permissions: ContainerSASPermissions.parse(permissions),
      expiresOn: new Date(Date.now() + 3_600_000),
    })
    return new URL(url).search
  }

  const keysOf = async (prefix: string, startAfter?: string): Promise<readonly string[]> =>
    (await Array.fromAsync(backend.list(prefix, { startAfter }))).map(({ key }) => key)

  describe('the origin of a hash', () => {
    test('returns the MD5 of the service for a blob of one request', async () => {
      const { storeDigest } = await backend.put('hash/small', Buffer.from('abc'))
      const md5 = createHash('md5').update('abc').digest('hex')
      expect(storeDigest).toEqual({ algorithm: 'md5', value: md5, origin: 'store' })
      expect(await backend.hash('hash/small')).toEqual(storeDigest)
    })

    test('returns the MD5 of the writer for a blob of blocks', async () => {
      const { storeDigest } = await backend.put('hash/large', large)
      const md5 = createHash('md5').update(large).digest('hex')
      expect(storeDigest).toEqual({ algorithm: 'md5', value: md5, origin: 'writer' })
      expect(await backend.hash('hash/large')).toEqual(storeDigest)
    })

    test('does not mistake a copy in blocks with the same metadata for the original', async () => {
      await backend.put('hash/original', Buffer.from('abc'))
      const { metadata = {} } = await container.client.getBlobClient('root/hash/original').getProperties()
      const blob = container.client.getBlockBlobClient('root/hash/copy')
      const block = Buffer.from('block').toString('base64')
      await blob.stageBlock(block, 'abc', 3)
      const blobHTTPHeaders = { blobContentMD5: Buffer.alloc(16, 1) }
      await blob.commitBlockList([block], { metadata, blobHTTPHeaders })
      expect(await backend.hash('hash/copy')).toMatchObject({ origin: 'writer' })
    })

    test('returns an MD5 of another tool as that of the writer, and computes a digest without one', async () => {
      const blob = container.client.getBlockBlobClient('root/hash/foreign')
      const block = Buffer.from('block').toString('base64')
      await blob.stageBlock(block, 'abc', 3)
      await blob.commitBlockList([block], { blobHTTPHeaders: { blobContentMD5: Buffer.alloc(16, 1) } })
      expect(await backend.hash('hash/foreign')).toMatchObject({ algorithm: 'md5', origin: 'writer' })
      await blob.commitBlockList([block])
      const sha256 = createHash('sha256').update('abc').digest('hex')
      expect(await backend.hash('hash/foreign')).toEqual({
        algorithm: 'sha256',
        value: sha256,
        origin: 'computed',
      })
    })
  })

  describe('folders of a hierarchical namespace', () => {
    test('are not listed as objects, and do not change the key order', async () => {
      for (const folder of ['hns/a', 'hns/a/b'])
        await container.client
          .getBlockBlobClient(`root/${folder}`)
          .upload('', 0, { metadata: { hdi_isfolder: 'true' } })
      const keys = [
        'hns/a-x',
        'hns/a.json',
        'hns/a/b-x',
        'hns/a/b/c',
        'hns/a/d',
        'hns/b',
        'hns/\ue000',
        'hns/🦊',
      ]
      for (const key of keys) await backend.put(key, Buffer.from(key))
      expect(await keysOf('hns/')).toEqual(keys)
      for (const [index, key] of keys.entries())
        expect(await keysOf('hns/', key)).toEqual(keys.slice(index + 1))
      expect(await backend.stat('hns/a')).toBeUndefined()
      await expect(backend.read('hns/a')).rejects.toMatchObject({ code: 'NOT_FOUND' })
      await expect(backend.hash('hns/a')).rejects.toMatchObject({ code: 'NOT_FOUND' })
    })
  })

  describe('a lost response', () => {
    /** Returns a backend behind a proxy that applies a fault to the first request of a kind. */
    async function behind(
      faulty: string,
      fault: Fault,
      options: (endpoint: string) => AzureOptions,
    ): Promise<AsyncDisposable & { readonly lossy: AzureBackend; readonly proxy: Proxy }> {
      let done = false
      const proxy = await startProxy({
        target: new URL(container.client.url).origin,
        plan({ operation }) {
          if (done || operation !== faulty) return undefined
          done = true
          return fault
        },
      })
      return {
        lossy: open(options(endpointOf(proxy.url))),
        proxy,
        [Symbol.asyncDispose]: () => proxy.close(),
      }
    }

    const lost: Fault = { kind: 'drop-answer' }
    const signed = (sasToken: string) => (each: string) => ({ endpoint: each, sasToken })

    test('to a commit is resolved by reading back', async () => {
      await using proxied = await behind('Put Blob', lost, signed(await sas('rcwdl')))
      expect(await proxied.lossy.commit('lost/commit', Buffer.from('ours'))).toBe('created')
      expect(await proxied.lossy.commit('lost/commit', Buffer.from('theirs'))).toBe('exists')
    })

    test('to a commit is resolved with a client that retries by itself', async () => {
      const sasToken = await sas('rcwdl')
      const client = (each: string) => {
        const pipeline = newPipeline(new AnonymousCredential(), { retryOptions: { retryDelayInMs: 1 } })
        return { client: new BlobServiceClient(each + sasToken, pipeline) }
      }
      await using proxied = await behind('Put Blob', lost, client)
      expect(await proxied.lossy.commit('lost/again', Buffer.from('ours'))).toBe('created')
      expect(await proxied.lossy.commit('lost/again', Buffer.from('theirs'))).toBe('exists')
    })

    test.each([
      ['Put Block', 7],
      ['Put Block List', 1],
    ])('to a %s is harmless', async (operation, requests) => {
      await using proxied = await behind(operation, lost, signed(await sas('rcwdl')))
      const { revision } = await proxied.lossy.put('lost/put', large)
      expect(await backend.stat('lost/put')).toMatchObject({ revision, size: large.byteLength })
      expect(proxied.proxy.requests.count(operation)).toBe(requests)
    })

    test('to a read is resolved by continuing at the same byte', async () => {
      await backend.put('lost/read', large)
      const cut: Fault = { kind: 'cut-answer', afterBytes: 100_000 }
      await using proxied = await behind('Get Blob', cut, signed(await sas('r')))
      const { body } = await proxied.lossy.read('lost/read')
      expect(Buffer.concat(await Array.fromAsync(body)).equals(large)).toBe(true)
      expect(proxied.proxy.requests.count('Get Blob')).toBe(2)
    })
  })

  test.each([1, 2, 3])('completes all operations on a bad network (seed %i)', async (seed) => {
    await using proxy = await startProxy({
      target: new URL(container.client.url).origin,
      plan: seededPlan({
        seed,
        rate: 0.2,
        faults: [
          { kind: 'drop-answer' },
          { kind: 'cut-request' },
          { kind: 'cut-answer' },
          { kind: 'reset' },
          { kind: 'status', status: 503 },
          { kind: 'status', status: 409 },
        ],
      }),
    })
    const patient = { attempts: 20, minDelay: 1, maxDelay: 5 }
    const lossy = open({ endpoint: endpointOf(proxy.url), sasToken: await sas('rcwdl'), retry: patient })
    const keys = Array.from({ length: 20 }, (_, index) => `bad/${seed}/${String(index).padStart(2, '0')}`)
    for (const [index, key] of keys.entries()) {
      const body = large.subarray(index)
      if (index % 2 === 0) await lossy.put(key, body)
      else expect(await lossy.commit(key, body)).toBe('created')
      expect(await lossy.commit(key, Buffer.from('another'))).toBe('exists')
      expect((await lossy.stat(key))?.size).toBe(body.byteLength)
      const read = await lossy.read(key)
      expect(Buffer.concat(await Array.fromAsync(read.body)).equals(body)).toBe(true)
    }
    expect((await Array.fromAsync(lossy.list(`bad/${seed}/`))).map(({ key }) => key)).toEqual(keys)
    expect((await lossy.delete(keys)).failed).toEqual([])
    expect(await keysOf(`bad/${seed}/`)).toEqual([])
  })

  test('waits for a slow response as long as the options say, even if that is longer than a timer can run', async () => {
    await backend.put('slow', Buffer.from('a'))
    await using proxy = await startProxy({
      target: new URL(container.client.url).origin,
      plan: () => ({ kind: 'drip-answer', milliseconds: 1 }),
    })
    const patient = open({
      endpoint: endpointOf(proxy.url),
      sasToken: await sas('rl'),
      retry: { attempts: 1 },
      minimumProgress: { bytes: '1 MiB', within: '30 d' },
    })
    expect((await Array.fromAsync(patient.list('slow'))).map(({ key }) => key)).toEqual(['slow'])
  })

  test('rejects a put whose blocks another put of the same key discarded', async () => {
    async function* overtaken(): AsyncGenerator<Uint8Array> {
      yield large
      await backend.put('overtaken', large.subarray(1))
      yield large
    }
    const put = backend.put('overtaken', overtaken())
    await expect(put).rejects.toMatchObject({ code: 'UNAVAILABLE', retryable: false })
    await expect(put).rejects.toThrow('Another writer stored overtaken at the same time')
    expect(await backend.stat('overtaken')).toMatchObject({ size: large.byteLength - 1 })
  })

  describe('protected blobs', () => {
    test('reports a leased blob, and deletes the others of the batch', async () => {
      for (const key of ['lease/a', 'lease/b']) await backend.put(key, Buffer.from(key))
      const lease = container.client.getBlobClient('root/lease/a').getBlobLeaseClient()
      await lease.acquireLease(-1)
      const { deleted, failed } = await backend.delete(['lease/a', 'lease/b', 'lease/missing'])
      expect(deleted).toEqual(['lease/b', 'lease/missing'])
      expect(failed.map(({ key, error }) => [key, isHoldfastError(error, 'PERMISSION_DENIED')])).toEqual([
        ['lease/a', true],
      ])
      expect(await backend.commit('lease/a', Buffer.from('x'))).toBe('exists')
      await lease.releaseLease()
    })

    test('deletes a blob together with its snapshot', async () => {
      await backend.put('snapshot', Buffer.from('x'))
      await container.client.getBlobClient('root/snapshot').createSnapshot()
      expect(await backend.delete(['snapshot'])).toEqual({ deleted: ['snapshot'], failed: [] })
      expect(await backend.stat('snapshot')).toBeUndefined()
    })
  })

  describe('credentials', () => {
    test('supports signatures, and never prints them in a URL, message or error', async () => {
      const signature = open({ endpoint: endpoint(), sasToken: await sas('rcwdl') })
      await signature.put('signed', large)
      expect(await signature.delete(['signed', 'missing'])).toEqual({
        deleted: ['signed', 'missing'],
        failed: [],
      })
      const writing = open({ endpoint: endpoint(), sasToken: await sas('w') })
      const error: unknown = await writing.stat('signed').catch((each: unknown) => each)
      expect(isHoldfastError(error, 'PERMISSION_DENIED')).toBe(true)
      expect(`${signature.url} ${String(error)}`).not.toContain('sig=')
    })

    test('rejects a wrong key with advice', async () => {
      const wrong = open({ endpoint: endpoint(), accountKey: randomBytes(64).toString('base64') })
      await expect(wrong.put('a', Buffer.from('x'))).rejects.toThrow('Check the key')
    })

    test('distinguishes a missing container from a missing object', async () => {
      const { connectionString, account } = container
      const nowhere = new AzureBackend(account, 'not-there', '', { connectionString })
      await expect(nowhere.stat('a')).rejects.toThrow('The container does not exist')
      await nowhere.close()
    })

    test('sets the access tier of objects with payload, and not of documents', async () => {
      const cool = open({ connectionString: container.connectionString, accessTier: 'Cool' })
      for (const [key, body] of [
        ['tier/small', Buffer.from('x')],
        ['tier/large', large],
      ] as const) {
        await cool.put(key, body)
        expect((await container.client.getBlobClient(`root/${key}`).getProperties()).accessTier).toBe('Cool')
      }
      await cool.commit('tier/commit', Buffer.from('x'))
      const { accessTier } = await container.client.getBlobClient('root/tier/commit').getProperties()
      expect(accessTier).toBe('Hot')
    })
  })
})
