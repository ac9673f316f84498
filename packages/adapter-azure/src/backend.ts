import { createHash } from 'node:crypto'
import type { CpkInfo } from '@azure/storage-blob'
import {
  HoldfastError,
  ObjectNames,
  ObjectStoreBackend,
  parseSize,
  requestLimitsOf,
  Secrets,
} from '@holdfast/core/backend'
import { maxBlocks } from './blocks.ts'
import { openContainer } from './client.ts'
import { commit } from './commit.ts'
import type { Container } from './container.ts'
import { assertAccount } from './credentials.ts'
import { deleteKeys } from './delete.ts'
import { isThereAlready, mayHaveHappened, storeError } from './errors.ts'
import { hash } from './hash.ts'
import { list } from './list.ts'
import { type AzureOptions, blockBytesOf, defaultParallel, maxBlockBytes } from './options.ts'
import { put } from './put.ts'
import { read, stat } from './read.ts'
import { sweep } from './sweep.ts'

/**
 * The longest name of a blob in bytes. Azure counts characters, which are never more than the bytes:
 * https://learn.microsoft.com/en-us/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata.
 */
const maxNameBytes = 1024

/** Stores objects in a container of Azure Blob Storage, below one root. */
export class AzureBackend extends ObjectStoreBackend<Container> {
  /** `path` is the root inside the container. Throws `CONFIG` for invalid options. Sends no request. */
  constructor(account: string, containerName: string, path = '', options: AzureOptions = {}) {
    const { quota } = options
    super(
      containerOf(account, containerName, path, options),
      {
        // Objects larger than a block, which are most of a checkpoint, are sent in blocks.
        hash: 'writer',
        maxObjectBytes: maxBlocks * maxBlockBytes,
        resumesPuts: true,
        quota: quota === undefined ? undefined : parseSize(quota),
      },
      {
        endpoint: async ({ client }) => client.url,
        put,
        commit,
        read,
        stat,
        list,
        delete: deleteKeys,
        hash,
        sweep,
        close({ closeClient }) {
          closeClient()
        },
      },
    )
  }
}

function containerOf(account: string, name: string, path: string, options: AzureOptions): Container {
  if (!/^(?=.{3,63}$)[a-z0-9]+(-[a-z0-9]+)*$/.test(name)) {
    throw new HoldfastError(
      'CONFIG',
      `${name} is not the name of a container: 3 to 63 lower-case letters, digits and single hyphens.`,
    )
  }
  const names = new ObjectNames(`az://${account}/${name}`, path, maxNameBytes)
  const partBytes = blockBytesOf(options)
  const limits = requestLimitsOf(options)
  const { parallel = defaultParallel } = options
  const { client, unpooled, threaded, direct, close } = openContainer(account, name, options)
  assertAccount(account, client.accountName, 'The client')
  const isReadyMade = options.client !== undefined
  const secrets = new Secrets()
  for (const secret of [options.accountKey, options.sasToken, options.connectionString, options.customerKey])
    secrets.add(secret)
  return {
    client,
    unpooled,
    threaded,
    direct,
    closeClient: close,
    names,
    parts: {
      partBytes,
      parallel,
      maxParts: maxBlocks,
      maxPartBytes: maxBlockBytes,
      sizeOption: 'blockSize',
    },
    rangesAtOnce: parallel,
    threads: direct?.threads,
    sendsSharedMemory: !isReadyMade,
    accessTier: options.accessTier,
    encryptionScope: options.encryptionScope,
    customerKey: customerKeyOf(options),
    ...limits,
    onRetry: options.onRetry,
    // A ready-made client may retry by itself, and then find the object that it created.
    mayHaveHappened: (error) => mayHaveHappened(error) || (isReadyMade && isThereAlready(error)),
    errorOf: (error, info) => storeError(error, info, names.url, secrets),
  }
}

function customerKeyOf({ customerKey, encryptionScope }: AzureOptions): CpkInfo | undefined {
  if (customerKey === undefined) return undefined
  if (encryptionScope !== undefined)
    throw new HoldfastError('CONFIG', 'Pass customerKey or encryptionScope, not both.')
  const bytes = Buffer.from(customerKey, 'base64')
  if (bytes.byteLength !== 32) throw new HoldfastError('CONFIG', 'customerKey must be 32 bytes in base64.')
  return {
    encryptionKey: customerKey,
    encryptionKeySha256: createHash('sha256').update(bytes).digest('base64'),
    encryptionAlgorithm: 'AES256',
  }
}
