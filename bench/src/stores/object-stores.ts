import type { Bench } from '../harness/bench.ts'
import { azure } from './azure.ts'
import { gcs } from './gcs.ts'
import { s3 } from './s3.ts'
import type { Clients, StoreServer } from './store-server.ts'

export type Start = () => Promise<StoreServer | { readonly why: string }>

export const objectStores = { s3, gcs, azure } as const satisfies Readonly<Record<string, Start>>

/** How the first table of the report names the stores. */
export const placeNames = { s3: 'S3', tls: 'S3 over TLS', gcs: 'GCS', azure: 'Azure' } as const

/** States which peers this machine lacks. */
export function leaveOutMissing(bench: Bench, { missing }: Clients): void {
  for (const { name, why } of missing) bench.leaveOut(name, why)
}
