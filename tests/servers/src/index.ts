export { withLock } from './lock.ts'
export {
  type AvailableServer,
  type AzureConnection,
  type GcsConnection,
  isAvailable,
  type Origin,
  type RunningServer,
  type S3Connection,
  type ServerKind,
  type UnavailableServer,
} from './kinds.ts'
export type { EmulatorUse, Servers } from './provided.ts'
export { serversFor, type ServersForOptions } from './servers-for.ts'
export { makeCertificates } from './certificates.ts'
export type { Certificates } from './definition.ts'
export { startSecureServer, startServer } from './start-server.ts'
export { cacheFolder, installInto } from './cache.ts'
export { lastLines, run } from './run.ts'
export { allowsSlowInstalls, inCi } from './settings.ts'
export { exitOnSignals, exitWithParent } from './exit.ts'
