import { hostname } from 'node:os'
import type { CheckpointBackend } from '../backend/index.ts'
import type { Environment } from '../environment.ts'
import { BusyLimit } from '../pacing/index.ts'
import { planRetention } from '../retention/index.ts'
import { spaceLimits } from '../space/index.ts'
import { type ContextSettings, newWriter } from './context/new-context.ts'
import { storeFoldersOf } from './context/store-folders.ts'
import { gracePeriodOf, type StoreOptions } from './options.ts'
import { limitsOf, parseRateWhileBusy } from './transfer-limits.ts'

/** Returns the settings of a store by its options, with their defaults. `mirror` is the backend of its mirror. */
export function settingsOf(
  options: StoreOptions,
  backend: CheckpointBackend,
  environment: Environment,
  mirror: CheckpointBackend | undefined,
): ContextSettings {
  const { job, mode = 'exclusive', objectives = {} } = options
  const name = options.writerName ?? `${hostname()}, process ${process.pid}`
  return {
    writer: newWriter({ id: environment.newId(), name, mode, job }),
    mayTakeOver: (mode === 'exclusive' && job === undefined) || options.takeOver === true,
    takesOverFrom: undefined,
    gracePeriod: gracePeriodOf(options),
    keeping: { objectives, retention: planRetention(options.retention ?? {}, objectives) },
    packs: options.packs ?? 'auto',
    unchanged: options.unchanged ?? 'auto',
    storeFolders: storeFoldersOf(backend, mirror),
    space: spaceLimits(options.space),
    limits: limitsOf(options, backend),
    busyLimit: new BusyLimit({
      rate: parseRateWhileBusy(options.background),
      clock: environment,
      machine: environment.machine,
    }),
  }
}
