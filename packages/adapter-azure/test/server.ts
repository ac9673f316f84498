import { randomUUID } from 'node:crypto'
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob'
import { isAvailable } from '@holdfast/test-servers'
import { inject } from 'vitest'

const { azurite } = inject('servers')

const connectionString =
  azurite !== undefined && isAvailable(azurite) ? azurite.connection.connectionString : undefined

export const noServer = connectionString === undefined

/** A new container on the server of the tests. */
export async function newContainer(): Promise<{
  readonly connectionString: string
  readonly account: string
  readonly name: string
  readonly client: ContainerClient
}> {
  if (connectionString === undefined) throw new Error('There is no server')
  const service = BlobServiceClient.fromConnectionString(connectionString)
  const name = `test-${randomUUID()}`
  const { containerClient } = await service.createContainer(name)
  return { connectionString, account: service.accountName, name, client: containerClient }
}
