import { createHash } from 'node:crypto'
import type { CpkInfo } from '@azure/storage-blob'
import { CheckedBackend, HoldfastError, ObjectNames, parseSize, quotaOf } from '@holdfast/core'
import { maxBlocks } from './blocks.ts'
import { openContainer } from './client.ts'
import { commit } from './commit.ts'
import type { Container } from './container.ts'
import { assertAccount } from './credentials.ts'
import { deleteKeys } from './delete.ts'
import { storeError } from './errors.ts'
import { hash } from './hash.ts'
import { list } from './list.ts'
import { type AzureOptions, blockBytesOf, defaultParallel, maxBlockBytes } from './options.ts'
import { put } from './put.ts'
import { read, stat } from './read.ts'
import { sweep } from './sweep.ts'

/** Bytes of the longest name of a blob; Azure counts characters, of which there are never more ("Naming containers, blobs, and metadata"). */
const maxNameBytes = 1024

/** Blocks that are in memory beside those on their way: one hashed, one read ahead. */
const blocksBeside = 2

/** Keeps objects in a container of Azure Blob Storage, below one root. */
export class AzureBackend extends CheckedBackend {
  /** `path` is the root inside the container. Throws `CONFIG` for options that cannot be. Touches nothing. */
  constructor(account: string, containerName: string, path = '', options: AzureOptions = {}) {
    const names = namesIn(account, containerName, path)
    const plan = { partBytes: blockBytesOf(options), parallel: options.parallel ?? defaultParallel }
    const opened = openContainer(account, containerName, options)
    const { client } = opened
    assertAccount(account, client.accountName, 'The client')
    const container: Container = {
      client,
      clientRetries: options.client !== undefined,
      names,
      accessTier: options.accessTier,
      encryptionScope: options.encryptionScope,
      customerKey: customerKeyOf(options),
      retry: options.retry,
      onRetry: options.onRetry,
      errorOf: (error, asked) => storeError(error, asked, names.url),
    }
    const quota = quotaOf(options.quota === undefined ? undefined : parseSize(options.quota), (signal) =>
      list(container, '', { signal }),
    )
    super(
      names.url,
      {
        freeSpace: quota === undefined ? 'unbounded' : 'budgeted',
        // What is larger than a block, as most of a checkpoint is, comes in blocks.
        hash: 'writer',
        localRoot: undefined,
        maxKeyBytes: names.maxKeyBytes,
        maxObjectBytes: maxBlocks * maxBlockBytes,
        maxBufferedBytes: plan.partBytes * (plan.parallel + blocksBeside),
      },
      {
        async put(key, source, putOptions = {}) {
          const result = await put(container, plan, key, source, putOptions)
          quota?.stored(result.size)
          return result
        },
        commit: (key, bytes, { signal } = {}) => commit(container, key, bytes, signal),
        read: (key, readOptions = {}) => read(container, key, readOptions),
        stat: (key, { signal } = {}) => stat(container, key, signal),
        list: (prefix, listOptions = {}) => list(container, prefix, listOptions),
        async delete(keys, { signal } = {}) {
          const report = await deleteKeys(container, keys, signal)
          quota?.deleted()
          return report
        },
        hash: (key, { signal } = {}) => hash(container, key, signal),
        freeSpace: async ({ signal } = {}) => quota?.freeSpace(signal) ?? { kind: 'unbounded' },
        sweep,
        async close() {
          opened.close()
        },
        errorOf: (error, what, key) => storeError(error, { what, key }, names.url),
      },
    )
  }
}

function namesIn(account: string, containerName: string, path: string): ObjectNames {
  if (!/^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/.test(containerName)) {
    throw new HoldfastError(
      'CONFIG',
      `${containerName} is not the name of a container: 3 to 63 lower-case letters, digits and single hyphens.`,
    )
  }
  return new ObjectNames(`az://${account}/${containerName}`, path, maxNameBytes)
}

function customerKeyOf({ customerKey, encryptionScope }: AzureOptions): CpkInfo | undefined {
  if (customerKey === undefined) return undefined
  if (encryptionScope !== undefined)
    throw new HoldfastError('CONFIG', 'Give customerKey or encryptionScope, not both.')
  const bytes = Buffer.from(customerKey, 'base64')
  if (bytes.byteLength !== 32) throw new HoldfastError('CONFIG', 'customerKey is 32 bytes in base64.')
  return {
    encryptionKey: customerKey,
    encryptionKeySha256: createHash('sha256').update(bytes).digest('base64'),
    encryptionAlgorithm: 'AES256',
  }
}
