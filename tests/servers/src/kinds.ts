/** How a client reaches an S3 server. The bucket is given only where the environment names one. */
export interface S3Connection {
  readonly endpoint: string
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly bucket?: string
}

export interface GcsConnection {
  readonly endpoint: string
}

export interface AzureConnection {
  readonly connectionString: string
}

export interface Connections {
  readonly minio: S3Connection
  readonly s3proxy: S3Connection
  readonly 'fake-gcs-server': GcsConnection
  readonly azurite: AzureConnection
}

export type ServerKind = keyof Connections

/** Where a server came from: an endpoint that was given, a program on this machine, or a container. */
export type Origin = 'environment' | 'installed' | 'docker'

/** A server as tests are told of it: plain data, fit for `provide` and `inject`. */
export interface AvailableServer<K extends ServerKind = ServerKind> {
  readonly kind: K
  readonly name: string
  /** Unknown for a server of the environment. */
  readonly version?: string
  readonly how: Origin
  readonly connection: Connections[K]
}

export interface UnavailableServer<K extends ServerKind = ServerKind> {
  readonly kind: K
  readonly name: string
  readonly how: 'unavailable'
  /** Why each way to have it failed, for people. */
  readonly reason: string
}

export interface RunningServer<K extends ServerKind = ServerKind> extends AvailableServer<K> {
  /** Ends it and removes its data; nothing to do for a server of the environment. */
  readonly stop: () => Promise<void>
}

export function isAvailable<K extends ServerKind>(
  server: AvailableServer<K> | UnavailableServer<K> | undefined,
): server is AvailableServer<K> {
  return server !== undefined && server.how !== 'unavailable'
}
