import * as v from 'valibot'
import { mostThreads } from '../async/threads.ts'
import type { BackendOptionsOf } from '../backend/index.ts'
import { mostUnmirrored } from '../catalog/documents/index.ts'
import { durationSchema } from '../input/duration.ts'
import { HoldfastError } from '../errors.ts'
import { objectivesSchema } from '../metrics/index.ts'
import { retentionSchema } from '../retention/index.ts'
import { packModes } from '../store/context/pack-mode.ts'
import { unchangedModes } from '../store/context/unchanged-mode.ts'
import type { StoreOptions } from '../store/options.ts'
import { type AdapterReference, isAdapter } from './adapters.ts'
import { isRecord, recordOf } from '../input/records.ts'
import { rateSchema } from '../pacing/index.ts'
import { thresholdSchema } from '../space/index.ts'

/** The schema of a configuration file. `schema/config.schema.json` is generated from it. */
export const configSchema = v.strictObject({
  /** The URL of the JSON Schema, by which an editor checks and completes the file. */
  $schema: v.optional(v.string()),
  store: v.optional(v.string()),
  mode: v.optional(v.picklist(['exclusive', 'shared'])),
  objectives: v.optional(objectivesSchema),
  retention: v.optional(retentionSchema),
  space: v.optional(
    v.strictObject({
      warnBelow: v.optional(thresholdSchema),
      refuseBelow: v.optional(thresholdSchema),
      makeRoom: v.optional(v.boolean()),
    }),
  ),
  background: v.optional(
    v.strictObject({
      limit: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
      atLimit: v.optional(v.picklist(['wait', 'skip', 'fail'])),
      rateWhileBusy: v.optional(v.union([v.literal('unlimited'), rateSchema])),
    }),
  ),
  packs: v.optional(v.picklist(packModes)),
  unchanged: v.optional(v.picklist(unchangedModes)),
  gracePeriod: v.optional(durationSchema),
  mirror: v.optional(
    v.strictObject({
      store: v.pipe(v.string(), v.nonEmpty()),
      retention: v.optional(retentionSchema),
      maxBehind: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(mostUnmirrored))),
      flushLimit: v.optional(durationSchema),
      backend: v.optional(recordOf(v.unknown())),
    }),
  ),
  limitUpload: v.optional(rateSchema),
  limitDownload: v.optional(rateSchema),
  threads: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1), v.maxValue(mostThreads))),
  writerName: v.optional(v.string()),
  adapters: v.optional(
    v.array(
      v.union([
        v.pipe(v.string(), v.nonEmpty()),
        v.custom<AdapterReference>(isAdapter, 'Expected an adapter, or the name of a package'),
      ]),
    ),
  ),
  backend: v.optional(recordOf(v.unknown())),
})

/** The contents of a configuration file: the location of the store, and the options of `openStore`. */
export interface HoldfastConfig<
  Name extends string = string,
  Location extends string = string,
  MirrorLocation extends string = string,
> extends Omit<StoreOptions<Name, MirrorLocation>, 'takeOver' | 'job' | 'ranks'> {
  /** A URL, or a path relative to the file. */
  readonly store?: Location | undefined
  /**
   * Adapters for other stores: names of packages, or paths of modules relative to the file. A configuration in code may
   * also contain adapter objects.
   */
  readonly adapters?: readonly AdapterReference[] | undefined
  /** Options that are passed to the adapter. */
  readonly backend?: BackendOptionsOf<NoInfer<Location>> | undefined
}

/** Types a configuration in TypeScript: `export default defineConfig({ store: 's3://bucket/runs/a' })`. */
export function defineConfig<
  const Name extends string = never,
  const Location extends string = string,
  const MirrorLocation extends string = string,
>(config: HoldfastConfig<Name, Location, MirrorLocation>): HoldfastConfig<Name, Location, MirrorLocation> {
  return config
}

/** Throws `CONFIG` for an invalid configuration. The error names the field and the file. */
export function parseConfig(value: unknown, file: string): HoldfastConfig {
  // The schema would accept an array as an object without fields.
  const parsed = v.safeParse(configSchema, Array.isArray(value) ? undefined : value)
  if (parsed.success) {
    const { $schema: _, ...config } = parsed.output
    return config
  }
  // A misspelt field is the reason why a required one is missing.
  const issue = parsed.issues.find(({ type, expected }) => type === 'strict_object' && expected === 'never')
  const [first] = parsed.issues
  throw new HoldfastError('CONFIG', `${file}: ${issue === undefined ? textOf(first) : unknownField(issue)}`)
}

type ConfigIssue = v.InferIssue<typeof configSchema>

function textOf(issue: ConfigIssue): string {
  return `${v.getDotPath(issue) ?? 'the configuration'}: ${issue.message}.`
}

function unknownField(issue: ConfigIssue): string {
  const known = fieldsAt(issue.path?.slice(0, -1).map(({ key }) => key) ?? [])
  return `${v.getDotPath(issue)} is not a known field.${known.length === 0 ? '' : ` Known fields: ${known.join(', ')}.`}`
}

/** Returns the fields of the object at this path; none if its fields may have any name. */
function fieldsAt(path: readonly unknown[]): readonly string[] {
  let schema: unknown = configSchema
  for (const key of path) schema = entriesOf(schema)[String(key)]
  return Object.keys(entriesOf(schema)).filter((name) => name !== '$schema')
}

function entriesOf(schema: unknown): Readonly<Record<string, unknown>> {
  if (typeof schema !== 'object' || schema === null) return {}
  if ('wrapped' in schema) return entriesOf(schema.wrapped)
  return 'entries' in schema && isRecord(schema.entries) ? schema.entries : {}
}
