/** The settings with which a client reaches an S3 server. `bucket` is set only if the environment names a bucket. */
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

/** The origin of a server: environment variables, an installed program, or a container. */
export type Origin = 'environment' | 'installed' | 'docker'

/** A server that tests can use. It is plain data, as `provide` and `inject` of vitest require. */
export interface AvailableServer<K extends ServerKind = ServerKind> {
  readonly kind: K
  readonly name: string
  /** The version of the server. Absent for a server from the environment, whose version is unknown. */
  readonly version?: string
  readonly how: Origin
  readonly connection: Connections[K]
  /** The path of the authority to trust, in PEM, if the server speaks TLS with a certificate of its own. */
  readonly authority?: string
}

export interface UnavailableServer<K extends ServerKind = ServerKind> {
  readonly kind: K
  readonly name: string
  readonly how: 'unavailable'
  /** The reason why each origin of the server is unavailable, for people. */
  readonly reason: string
}

export interface RunningServer<K extends ServerKind = ServerKind> extends AvailableServer<K> {
  /** Stops the server and removes its data. Does nothing for a server from the environment. */
  readonly stop: () => Promise<void>
}

export function isAvailable<K extends ServerKind>(
  server: AvailableServer<K> | UnavailableServer<K> | undefined,
): server is AvailableServer<K> {
  return server !== undefined && server.how !== 'unavailable'
}
