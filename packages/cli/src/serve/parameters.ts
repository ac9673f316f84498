import {
  type BackgroundOptions,
  type CheckpointChoice,
  type JsonValue,
  type MirrorOptions,
  type Objectives,
  parseChoice,
  parseDuration,
  parseRate,
  parseJson,
  type RanksOptions,
  type RetentionOptions,
  type SpaceOptions,
  type StoreOptions,
} from '@holdfast/core'
import * as v from 'valibot'

/** The shapes of parameters. Core checks the values, such as the names of objectives. */

const text = v.string()
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const streamNumber = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(2 ** 32 - 1))
const store = { store: count }

/** A plain object that keeps every name, also `__proto__`. */
function recordOf<Value>(isMember: (value: unknown) => value is Value, expected: string) {
  return v.custom<Readonly<Record<string, Value>>>(
    (value) => isObject(value) && Object.values(value).every(isMember),
    expected,
  )
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns the numbers of the streams in the parameters of a call, also if its method does not accept them. */
export function streamsIn(params: unknown): readonly number[] {
  const { stream, files } = membersOf(params)
  const named = Object.values(membersOf(files)).map((content) => membersOf(content)['stream'])
  return [stream, ...named].filter((number) => v.is(streamNumber, number))
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> {
  return isObject(value) ? { ...value } : {}
}

/** An object that core checks. */
const checkedByCore = <Value>() => v.custom<Value>(isObject, 'Expected an object')

const choice = v.pipe(
  v.union([count, text]),
  v.transform((value): CheckpointChoice => (typeof value === 'number' ? value : parseChoice(value))),
)

/** Bytes per second. */
const rate = v.pipe(
  v.union([v.number(), text]),
  v.transform((value) => parseRate(value)),
)

/** Milliseconds, or a text such as "1 d". */
const duration = v.pipe(
  v.union([v.number(), text]),
  v.transform((value) => parseDuration(value)),
)

/** JSON as text, so that no number is rounded. */
const jsonText = (where: string) =>
  v.pipe(
    text,
    v.transform((value): JsonValue => parseJson(value, where)),
  )

const notFinite: Readonly<Record<string, number>> = { NaN, Infinity, '-Infinity': -Infinity }

const isNumber = (value: unknown): value is number | string =>
  typeof value === 'number' || (typeof value === 'string' && Object.hasOwn(notFinite, value))

/** Numbers by name. JSON has no NaN and no infinities, so they are written as text. */
const metrics = v.pipe(
  recordOf(isNumber, 'Expected an object of numbers, "NaN", "Infinity" or "-Infinity" by name'),
  v.transform((given) =>
    Object.fromEntries(
      Object.entries(given).map(([name, value]): [string, number] => [
        name,
        typeof value === 'number' ? value : (notFinite[value] ?? NaN),
      ]),
    ),
  ),
)

/** The content of a file: a file or folder of this machine, or a stream that the client sends. */
export type SentContent =
  | { readonly path: string }
  | {
      readonly stream: number
      /** The number of bytes, if the client knows it. Small files are packed only if their size is known. */
      readonly size?: number | undefined
    }

const contentSchema = v.union([
  v.strictObject({ path: text }),
  v.strictObject({ stream: streamNumber, size: v.optional(count) }),
])

const files = v.union([
  v.array(text),
  recordOf(
    (value): value is SentContent => v.is(contentSchema, value),
    'Expected a list of paths, or an object of { path } or { stream } by name',
  ),
])

const packs = v.optional(v.picklist(['auto', 'always', 'never']))
const unchanged = v.optional(v.picklist(['auto', 'link', 'never']))

/** Every option of a store. An option that is missing does not compile. */
const storeOptions = {
  mode: v.optional(v.picklist(['exclusive', 'shared'])),
  takeOver: v.optional(v.boolean()),
  job: v.optional(text),
  ranks: v.optional(checkedByCore<RanksOptions>()),
  objectives: v.optional(checkedByCore<Objectives>()),
  retention: v.optional(checkedByCore<RetentionOptions>()),
  space: v.optional(checkedByCore<SpaceOptions>()),
  background: v.optional(checkedByCore<BackgroundOptions>()),
  packs,
  unchanged,
  mirror: v.optional(checkedByCore<MirrorOptions>()),
  limitUpload: v.optional(rate),
  limitDownload: v.optional(rate),
  threads: v.optional(count),
  gracePeriod: v.optional(duration),
  writerName: v.optional(text),
} satisfies Readonly<Record<keyof StoreOptions, v.GenericSchema>>

export const parameters = {
  initialize: v.strictObject({
    protocol: count,
    client: v.optional(text),
    process: v.optional(v.pipe(v.number(), v.safeInteger(), v.minValue(1))),
  }),
  openStore: v.strictObject({
    location: v.optional(text),
    config: v.optional(v.union([text, v.literal(false)])),
    adapters: v.optional(v.array(text)),
    backend: v.optional(checkedByCore<Readonly<Record<string, unknown>>>()),
    ...storeOptions,
  }),
  ofStore: v.strictObject(store),
  list: v.strictObject({
    ...store,
    orderBy: v.optional(v.picklist(['steps', 'saves'])),
    metadata: v.optional(v.boolean()),
  }),
  save: v.strictObject({
    ...store,
    step: v.number(),
    epoch: v.optional(v.number()),
    files,
    exclude: v.optional(v.array(text)),
    metrics: v.optional(metrics),
    tags: v.optional(v.array(text)),
    metadata: v.optional(jsonText('metadata')),
    dataState: v.optional(jsonText('dataState')),
    onExisting: v.optional(v.picklist(['fail', 'replace'])),
    allowBest: v.optional(v.boolean()),
    requireFinite: v.optional(v.boolean()),
    packs,
    unchanged,
    background: v.optional(v.boolean()),
    progress: v.optional(count),
  }),
  restore: v.strictObject({
    ...store,
    choice,
    to: text,
    fallback: v.optional(v.boolean()),
    files: v.optional(v.array(text)),
    exact: v.optional(v.boolean()),
    maxTries: v.optional(v.number()),
    progress: v.optional(count),
  }),
  read: v.strictObject({
    ...store,
    choice,
    file: text,
    range: v.optional(v.strictObject({ start: count, end: v.optional(count) })),
    stream: streamNumber,
  }),
  localPath: v.strictObject({ ...store, choice, file: text }),
  ofChoice: v.strictObject({ ...store, choice }),
  best: v.strictObject({ ...store, objective: v.optional(text) }),
  plateau: v.strictObject({ ...store, objective: text }),
  forgetObjective: v.strictObject({ ...store, name: text }),
  pin: v.strictObject({ ...store, step: v.number(), reason: v.optional(text) }),
  ofStep: v.strictObject({ ...store, step: v.number() }),
  join: v.strictObject({ ...store, fallback: v.optional(v.boolean()) }),
  rewind: v.strictObject({ ...store, step: v.number(), dryRun: v.optional(v.boolean()) }),
  attach: v.strictObject({ ...store, step: v.number(), metrics }),
  sweep: v.strictObject({ ...store, dryRun: v.optional(v.boolean()), now: v.optional(v.boolean()) }),
  copy: v.strictObject({
    ...store,
    to: count,
    checkpoints: v.optional(v.array(choice)),
    toStep: v.optional(v.number()),
    pins: v.optional(v.boolean()),
    metrics: v.optional(v.boolean()),
    onExisting: v.optional(v.picklist(['fail', 'replace'])),
    allowBest: v.optional(v.boolean()),
    dryRun: v.optional(v.boolean()),
    progress: v.optional(count),
  }),
  delete: v.strictObject({
    ...store,
    steps: v.array(v.number()),
    allowBest: v.optional(v.boolean()),
    undoFor: v.optional(duration),
  }),
  prune: v.strictObject({ ...store, dryRun: v.optional(v.boolean()), undoFor: v.optional(duration) }),
  undo: v.strictObject({
    ...store,
    steps: v.optional(v.array(v.number())),
    dryRun: v.optional(v.boolean()),
  }),
  verify: v.strictObject({
    ...store,
    steps: v.optional(v.array(v.number())),
    quick: v.optional(v.boolean()),
    progress: v.optional(count),
  }),
} as const
