import * as v from 'valibot'
import { HoldfastError } from '../errors.ts'
import type { JsonValue } from '../json.ts'
import type { Cursor } from './batching.ts'
import type { OrderIdentity } from './order.ts'

const major = 1
const format = `holdfast-data/${major}.0`

/** What a saved position must have in common with the data that it is loaded for. */
export type DataIdentity = OrderIdentity | { readonly kind: 'stream'; readonly seed: number }

/** What the states of all kinds hold. */
interface Common {
  readonly format: string
  readonly seed: number
  readonly epoch: number
  /** How many samples of the epoch all workers together have been given. */
  readonly position: number
  /** Where the loader's generator is. */
  readonly random?: [number, number, number, number]
}

/**
 * A position in the data, as plain JSON: the same on every worker, and good for any number of workers and any batch
 * size. `docs/data.md` specifies it.
 */
export type DataState =
  | (Common & { readonly kind: 'sequential' | 'shuffled'; readonly samples: number })
  | (Common & {
      readonly kind: 'drawn'
      readonly samples: number
      readonly draws: number
      /** The SHA-256 of the weights, where there are any. */
      readonly weights?: string
    })
  | (Common & {
      readonly kind: 'stream'
      /** What the source itself says of where it is. */
      readonly source?: JsonValue
    })

const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const wordSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(2 ** 32 - 1))
const jsonSchema: v.GenericSchema<JsonValue> = v.lazy(() =>
  v.union([
    v.null(),
    v.boolean(),
    v.number(),
    v.bigint(),
    v.string(),
    v.array(jsonSchema),
    v.record(v.string(), jsonSchema),
  ]),
)

const common = {
  format: v.pipe(v.string(), v.regex(new RegExp(`^holdfast-data/${major}\\.\\d+$`))),
  seed: countSchema,
  epoch: countSchema,
  position: countSchema,
  random: v.exactOptional(v.strictTuple([wordSchema, wordSchema, wordSchema, wordSchema])),
}

const stateSchema: v.GenericSchema<unknown, DataState> = v.variant('kind', [
  v.object({ ...common, kind: v.literal('sequential'), samples: countSchema }),
  v.object({ ...common, kind: v.literal('shuffled'), samples: countSchema }),
  v.object({
    ...common,
    kind: v.literal('drawn'),
    samples: countSchema,
    draws: countSchema,
    weights: v.exactOptional(v.string()),
  }),
  v.object({
    ...common,
    kind: v.literal('stream'),
    source: v.exactOptional(jsonSchema),
  }),
])

/** What a state holds beside the identity of its data. */
export interface Place extends Cursor {
  readonly random?: [number, number, number, number]
  readonly source?: JsonValue
}

export function dataStateOf(identity: DataIdentity, place: Place): DataState {
  return { format, ...identity, ...place }
}

/**
 * Reads a state for the data that it is to go on with. Throws `UNSUPPORTED` for one of a newer major version, and
 * `INVALID_ARGUMENT` for what is no state, or one of other data.
 */
export function placeIn(state: unknown, identity: DataIdentity, length = Infinity): Place {
  refuseNewerMajor(state)
  const parsed = v.safeParse(stateSchema, state)
  if (!parsed.success) {
    const [issue] = parsed.issues
    throw invalid(`This is no position in data: ${v.getDotPath(issue) ?? 'the state'}: ${issue.message}`)
  }
  const saved = parsed.output
  const [there, here] = [describe(saved), describe(identity)]
  if (there !== here) {
    throw invalid(
      `The saved position is one in other data: it is of ${there}, and this is ${here}. ` +
        'Go on with the data, order and seed that it was saved with, or begin the epoch anew without it.',
    )
  }
  if (saved.position >= length) {
    throw invalid(`The saved position is ${saved.position}, and an epoch has ${length} positions.`)
  }
  const { epoch, position, random } = saved
  return {
    epoch,
    position,
    ...(random === undefined ? {} : { random }),
    ...('source' in saved ? { source: saved.source } : {}),
  }
}

/** Two are the same data when this is the same text. */
function describe(data: DataIdentity): string {
  const seeded = `seed ${data.seed}`
  switch (data.kind) {
    case 'stream':
      return `a stream, ${seeded}`
    case 'sequential':
    case 'shuffled':
      return `${data.samples} samples, ${data.kind}, ${seeded}`
    case 'drawn': {
      const weights = data.weights === undefined ? 'evenly' : `by the weights of SHA-256 ${data.weights}`
      return `${data.samples} samples, of which ${data.draws} are drawn ${weights}, ${seeded}`
    }
  }
}

function refuseNewerMajor(state: unknown): void {
  if (typeof state !== 'object' || state === null || !('format' in state)) return
  const saved = /^holdfast-data\/(\d+)\./.exec(String(state.format))?.[1]
  if (saved === undefined || Number(saved) <= major) return
  throw new HoldfastError(
    'UNSUPPORTED',
    `The saved position has the format ${String(state.format)}, and this Holdfast reads ${format}. ` +
      'A newer Holdfast wrote it: update @holdfast/core.',
  )
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
