import * as v from 'valibot'
import { recordOf } from '../../records.ts'

/** A whole number from 0 that JavaScript holds exactly. */
export const countSchema = v.pipe(v.number(), v.safeInteger(), v.minValue(0))

export const sha256Schema = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))

export const timeSchema = v.pipe(v.string(), v.isoTimestamp())

/** JSON has no NaN and no infinities; a metric can be one, and is recorded as what it was. */
export const metricSchema = v.union([v.number(), v.picklist(['NaN', 'Infinity', '-Infinity'])])

export type StoredMetric = v.InferOutput<typeof metricSchema>

export const metricsSchema = recordOf(metricSchema)

export function storedMetric(value: number): StoredMetric {
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
