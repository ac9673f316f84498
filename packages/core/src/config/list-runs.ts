import { refuseUnknownOptions } from '../input/unknown-options.ts'
import { assertObjectives, type Objectives } from '../metrics/index.ts'
import { summariseRuns } from '../store/runs/list-runs.ts'
import type { RunSummary } from '../store/runs/summary.ts'
import type { AdapterOptions } from './adapters.ts'
import { type ConfigChoice, configuredPlace, openPlace } from './open-store.ts'

/** The options of `listRuns()`. */
export interface ListRunsOptions<Location extends string = string>
  extends AdapterOptions<Location>,
    ConfigChoice {
  /** What 'best' means, by name, beside the objectives that each run records. */
  readonly objectives?: Objectives | undefined
  /**
   * Reads all lines of every catalog. Otherwise one document of each run is read, and the summary of a run with more than
   * some dozens of checkpoints is not complete. Default: false.
   */
  readonly exact?: boolean | undefined
  readonly signal?: AbortSignal | undefined
}

/**
 * Returns a summary of every run below a prefix, in the order of their paths. Changes nothing. `location` is a path or a
 * URL, as for `openStore`. Each run takes at most two requests of its own, and the listing of the prefix.
 *
 * A run that cannot be read is returned with the reason. Rejects with the errors of `openStore`, and with those of the
 * backend if the prefix cannot be listed.
 *
 * @example
 * for (const run of await listRuns('s3://my-bucket/runs')) {
 *   if (run.state === 'readable') console.log(run.name, run.latest?.step, run.bytes)
 * }
 */
export async function listRuns<const Location extends string>(
  location: Location,
  options: ListRunsOptions<Location> = {},
): Promise<readonly RunSummary[]> {
  refuseUnknownOptions(
    options,
    ['adapters', 'backend', 'config', 'exact', 'objectives', 'onIgnoredConfig', 'signal'],
    'listRuns',
  )
  const { objectives = {}, exact = false, signal } = options
  const place = await configuredPlace(location, options)
  const keeping = { objectives: { ...place.storeOptions.objectives, ...objectives }, retention: {} }
  assertObjectives(keeping.objectives)
  const backend = await openPlace(place, options)
  try {
    return await summariseRuns(backend, { keeping, exact, signal })
  } finally {
    await backend.close()
  }
}
