import { hostname } from 'node:os'
import type { CheckpointBackend } from '../backend/index.ts'
import { CatalogLog } from '../catalog/commit/catalog-log.ts'
import type { Environment } from '../environment.ts'
import { BusyLimit, transfersOf } from '../pacing/index.ts'
import { planRetention, type RetentionPlan } from '../retention/index.ts'
import { spaceLimits } from '../space/index.ts'
import type { StoreContext } from './context.ts'
import type { StoreEventEmitter } from './events.ts'
import { gracePeriodOf, type StoreOptions } from './options.ts'
import { RestoresUnderWay } from './restores-under-way.ts'
import { mostCompared, RecentManifests } from './recent-manifests.ts'
import { RunLine } from './run-line.ts'
import { SavesThatShare } from './saves-that-share.ts'
import { limitsOfStore, parseRateWhileBusy } from './transfer-limits.ts'

/** What differs from the options in the context of a mirror. */
interface Given {
  /** The id of the writer. Several processes that have one id are one writer. Default: a new id. */
  readonly writerId?: string | undefined
  readonly retention?: RetentionPlan | undefined
  /** The id of the only owner from which the writer takes over. Default: any. */
  readonly takesOverFrom?: string | undefined
}

/** Returns the parts of a store that its operations share. */
export function newContext(
  backend: CheckpointBackend,
  options: StoreOptions,
  environment: Environment,
  events: StoreEventEmitter,
  { writerId = environment.newId(), retention, takesOverFrom }: Given = {},
): StoreContext {
  events.identify(backend.url)
  const mode = options.mode ?? 'exclusive'
  const { job } = options
  const name = options.writerName ?? `${hostname()}, process ${process.pid}`
  const writer = {
    id: writerId,
    name: job === undefined ? name : `the job ${JSON.stringify(job)} (${name})`,
    mode,
    job,
  }
  const objectives = options.objectives ?? {}
  const restoring = new RestoresUnderWay()
  const plan = retention ?? planRetention(options.retention ?? {}, objectives)
  const keeping = { objectives, retention: plan, restoring }
  return {
    backend,
    log: new CatalogLog(backend, writer, keeping, environment),
    writer,
    events,
    environment,
    keeping,
    restoring,
    line: new RunLine(),
    packs: options.packs ?? 'auto',
    unchanged: options.unchanged ?? 'auto',
    manifests: new RecentManifests(backend.capabilities.reusesObjects === 'shares' ? mostCompared : 1),
    sharing: new SavesThatShare(),
    deleted: new Set(),
    space: spaceLimits(options.space),
    transfers: transfersOf(limitsOfStore(options, backend), environment),
    busyLimit: new BusyLimit({
      rate: parseRateWhileBusy(options.background),
      clock: environment,
      machine: environment.machine,
    }),
    mayTakeOver: (mode === 'exclusive' && job === undefined) || options.takeOver === true,
    takesOverFrom,
    gracePeriod: gracePeriodOf(options),
  }
}
