import type { CheckpointBackend } from '../../backend/index.ts'
import { CatalogLog } from '../../catalog/commit/catalog-log.ts'
import type { Writer } from '../../catalog/commit/rules/index.ts'
import type { Keeping } from '../../catalog/judging/judgement.ts'
import type { Environment } from '../../environment.ts'
import { transfersOf } from '../../pacing/index.ts'
import type { StoreContext } from './context.ts'
import type { StoreEventEmitter } from './events.ts'
import { mostCompared, RecentManifests } from './recent-manifests.ts'
import { RestoresUnderWay } from './restores-under-way.ts'
import { RunLine } from './run-line.ts'
import { SavesThatShare } from './saves-that-share.ts'

/** The parts of a context that the options of a store determine, or a store for its mirror. */
export interface ContextSettings
  extends Pick<
    StoreContext,
    | 'writer'
    | 'mayTakeOver'
    | 'takesOverFrom'
    | 'gracePeriod'
    | 'packs'
    | 'unchanged'
    | 'storeFolders'
    | 'space'
    | 'limits'
    | 'busyLimit'
  > {
  readonly keeping: Keeping
}

/** Returns a writer whose name also names its job. */
export function newWriter({ id, name, mode, job }: Writer): Writer {
  return { id, name: job === undefined ? name : `the job ${JSON.stringify(job)} (${name})`, mode, job }
}

/** Returns the parts of a store that its operations share. */
export function newContext(
  backend: CheckpointBackend,
  settings: ContextSettings,
  environment: Environment,
  events: StoreEventEmitter,
): StoreContext {
  events.identify(backend.url)
  const restoring = new RestoresUnderWay()
  const keeping = { ...settings.keeping, restoring }
  return {
    ...settings,
    backend,
    log: new CatalogLog(backend, settings.writer, keeping, environment),
    events,
    environment,
    keeping,
    restoring,
    line: new RunLine(),
    manifests: new RecentManifests(backend.capabilities.reusesObjects === 'shares' ? mostCompared : 1),
    sharing: new SavesThatShare(),
    deleted: new Set(),
    transfers: transfersOf(settings.limits.store, environment),
  }
}
