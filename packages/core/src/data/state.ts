import * as v from 'valibot'
import { HoldfastError } from '../errors.ts'
import type { JsonValue } from '../input/json.ts'
import type { Cursor } from './batching.ts'
import type { OrderIdentity } from './order.ts'
import { recordOf } from '../input/records.ts'

const major = 1
const format = `holdfast-data/${major}.0`

/** The properties that a saved position and the data that it is loaded for must share. */
export type DataIdentity = OrderIdentity | { readonly kind: 'stream'; readonly seed: number }

/** The members of every kind of state. */
interface Common {
  readonly format: string
  readonly seed: number
  /** The epoch, from 0. */
  readonly epoch: number
  /** Number of samples of the epoch that all ranks together have received. */
  readonly position: number
  /** The state of `loader.random`. */
  readonly random?: [number, number, number, number]
}

/**
 * A position in the data, as plain JSON. It is the same on every rank, and can be loaded with any number of ranks
 * and any batch size. `docs/data.md` specifies it.
 */
export type DataState =
  | (Common & { readonly kind: 'sequential' | 'shuffled'; readonly samples: number })
  | (Common & {
      readonly kind: 'drawn'
      readonly samples: number
      readonly draws: number
      /** SHA-256 of the weights, in lower-case hexadecimal. Absent without weights. */
      readonly weights?: string
    })
  | (Common & {
      readonly kind: 'stream'
      /** The position that the source's own `stateDict` returned. */
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
    recordOf(jsonSchema),
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

/** The members of a state that do not identify its data. */
export interface Place extends Cursor {
  readonly random?: [number, number, number, number]
  readonly source?: JsonValue
}

export function dataStateOf(identity: DataIdentity, place: Place): DataState {
  return { format, ...identity, ...place }
}

/**
 * Parses a saved state and returns its place in the data. `length` is the number of positions in an epoch.
 *
 * Throws `UNSUPPORTED` for a newer major version of the format. Throws `INVALID_ARGUMENT` if the value is not a
 * state, or was saved for other data.
 */
export function placeIn(state: unknown, identity: DataIdentity, length = Infinity): Place {
  refuseNewerMajor(state)
  const parsed = v.safeParse(stateSchema, state)
  if (!parsed.success) {
    const [issue] = parsed.issues
    const path = v.getDotPath(issue)
    throw invalid(
      `The data state is not valid: ${path === null ? '' : `${path}: `}${issue.message}. ` +
        'Pass a state that stateDict() returned.',
    )
  }
  const saved = parsed.output
  const [there, here] = [describe(saved), describe(identity)]
  if (there !== here) {
    throw invalid(
      `The data state was saved for other data: ${there}. This data is: ${here}. ` +
        'Use the data, order and seed that it was saved with, or start without the state.',
    )
  }
  if (saved.position >= length) {
    throw invalid(
      `The data state is not valid: position is ${saved.position}, but an epoch has only ${length} positions. ` +
        'Pass a state that stateDict() returned.',
    )
  }
  const { epoch, position, random } = saved
  return {
    epoch,
    position,
    ...(random === undefined ? {} : { random }),
    ...('source' in saved ? { source: saved.source } : {}),
  }
}

/** Equal data have equal descriptions, so descriptions can be compared. */
function describe(data: DataIdentity): string {
  const seeded = `seed ${data.seed}`
  switch (data.kind) {
    case 'stream':
      return `a stream, ${seeded}`
    case 'sequential':
    case 'shuffled':
      return `${data.samples} samples, ${data.kind}, ${seeded}`
    case 'drawn': {
      const weights = data.weights === undefined ? 'equal weights' : `weights with SHA-256 ${data.weights}`
      return `${data.samples} samples, ${data.draws} draws per epoch, ${weights}, ${seeded}`
    }
  }
}

function refuseNewerMajor(state: unknown): void {
  if (typeof state !== 'object' || state === null || !('format' in state)) return
  const saved = /^holdfast-data\/(\d+)\./.exec(String(state.format))?.[1]
  if (saved === undefined || Number(saved) <= major) return
  throw new HoldfastError(
    'UNSUPPORTED',
    `The data state has the format ${String(state.format)}, which a newer version of Holdfast wrote. ` +
      `This version reads holdfast-data/${major}.x. Update @holdfast/core.`,
  )
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
