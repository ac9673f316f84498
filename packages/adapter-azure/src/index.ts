export { adapter } from './adapter.ts'
export { AzureBackend } from './backend.ts'
export type { AccessTier, AzureOptions } from './options.ts'
