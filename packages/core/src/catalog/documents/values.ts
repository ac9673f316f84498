import * as v from 'valibot'
import type { Named } from './named.ts'
import { recordOf } from '../../input/records.ts'

/** An integer of at least 0 that JavaScript represents exactly. */
export const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

/** A number of at least 0, since a checkpoint can be saved in the middle of an epoch. */
export const epochSchema = v.pipe(v.number(), v.finite(), v.minValue(0))

export const sha256Schema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))

/** A date and a time with an offset, such as `2026-01-31T12:00:00.000Z`. */
export const timeSchema = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/),
  v.check((time) => !Number.isNaN(Date.parse(time)), 'not a time'),
)

/**
 * A metric. NaN and the infinities are strings, because JSON cannot represent them. Other values are rounded to 64-bit
 * floats.
 */
const metricSchema = v.union([
  v.number(),
  v.pipe(v.bigint(), v.transform(Number)),
  v.picklist(['NaN', 'Infinity', '-Infinity']),
])

export type StoredMetric = v.InferOutput<typeof metricSchema>

export const metricsSchema = recordOf(metricSchema)

function storedMetric(value: number): StoredMetric {
  if (Number.isNaN(value)) return 'NaN'
  if (value === Infinity) return 'Infinity'
  if (value === -Infinity) return '-Infinity'
  return value
}

export function storedMetrics(metrics: Readonly<Record<string, number>>): Record<string, StoredMetric> {
  return Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, storedMetric(value)]))
}

export function metricsOf(stored: Readonly<Record<string, StoredMetric>>): Record<string, number> {
  return Object.fromEntries(Object.entries(stored).map(([name, value]) => [name, Number(value)]))
}

/** How long a save took, and the restore from which its run continued. */
export const timingSchema = v.looseObject({
  /** Milliseconds from the start of the save until all files were stored. */
  saving: countSchema,
  /** The restore before the save, if the save was the first after it. */
  restore: v.optional(
    v.looseObject({
      step: countSchema,
      /** When the restore began. */
      at: timeSchema,
      /** Milliseconds that the restore took. */
      duration: countSchema,
    }),
  ),
})

export type Timing = Named<v.InferOutput<typeof timingSchema>>

export const orderSchema = v.looseObject({ segment: countSchema, base: countSchema })
