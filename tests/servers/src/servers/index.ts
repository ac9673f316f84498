import type { ServerDefinition } from '../definition.ts'
import type { ServerKind } from '../kinds.ts'
import { azurite } from './azurite.ts'
import { fakeGcsServer } from './fake-gcs-server.ts'
import { minio } from './minio.ts'
import { s3proxy } from './s3proxy.ts'

export const definitions: { readonly [K in ServerKind]: ServerDefinition<K> } = {
  minio,
  s3proxy,
  'fake-gcs-server': fakeGcsServer,
  azurite,
}
