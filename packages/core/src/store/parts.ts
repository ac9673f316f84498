import type { CheckpointBackend } from '../backend/index.ts'
import type { Environment } from '../environment.ts'
import { StoreCalls } from './calls.ts'
import type { StoreContext } from './context/context.ts'
import { CorruptCopies } from './copy/corrupt-copies.ts'
import type { CopyDestination } from './copy/sides.ts'
import type { StoreEventEmitter } from './context/events.ts'
import { Lifetime } from './lifetime.ts'
import type { OwnMirror } from './mirror/own-mirror.ts'
import { newContext } from './context/new-context.ts'
import type { StoreOptions } from './options.ts'
import { settingsOf } from './settings.ts'
import { idOf, readMarker } from './marker/read-marker.ts'
import { WriteAccess } from './upkeep/write-access.ts'

/** The private parts of an open store. An operation on two stores needs those of both. */
export interface StoreParts {
  readonly context: StoreContext
  readonly lifetime: Lifetime
  readonly calls: StoreCalls
  readonly access: WriteAccess
  /** The store as the destination of copies. */
  readonly destination: CopyDestination
  /** The stores whose mirror this store is, and from which this process copies. */
  readonly mirrorOf: WeakMap<StoreParts, OwnMirror>
}

/** Returns the parts of a store. `mirror` is the backend of its mirror. Sends no request. */
export function newParts(
  backend: CheckpointBackend,
  options: StoreOptions,
  environment: Environment,
  events: StoreEventEmitter,
  mirror: CheckpointBackend | undefined,
): StoreParts {
  const settings = settingsOf(options, backend, environment, mirror)
  const context = newContext(backend, settings, environment, events)
  const lifetime = new Lifetime(backend.url)
  const access = new WriteAccess(context)
  const id = async (signal: AbortSignal | undefined): Promise<string | undefined> =>
    (await readMarker(backend, signal)).kind === 'missing' ? undefined : idOf(backend, signal)
  return {
    context,
    lifetime,
    calls: new StoreCalls(backend, options.ranks !== undefined, lifetime),
    access,
    destination: { context, access, id, corrupt: new CorruptCopies() },
    mirrorOf: new WeakMap(),
  }
}
