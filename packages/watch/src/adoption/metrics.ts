import { readFile } from 'node:fs/promises'
import { HoldfastError } from '@holdfast/core'
import { fromNodeError } from '@holdfast/core/backend'
import { type MetricsTable, parseMetricsCsv } from '../formats/csv.ts'
import type { WholeCheckpoint } from './inspect.ts'

/** Reads a CSV of metrics, if one is given. */
export async function readMetrics(file: string | undefined): Promise<MetricsTable> {
  if (file === undefined) return { bySteps: new Map(), byNames: new Map() }
  try {
    return parseMetricsCsv(await readFile(file, 'utf8'), file)
  } catch (error) {
    throw error instanceof HoldfastError ? error : fromNodeError(error, `reading ${file}`)
  }
}

/** The checkpoint's own metrics, and those that the table has of it. */
export function metricsOf(
  { candidate, reading }: WholeCheckpoint,
  step: number | undefined,
  { bySteps, byNames }: MetricsTable,
): Readonly<Record<string, number>> {
  const ofStep = step === undefined ? undefined : bySteps.get(step)
  return { ...reading.metrics, ...ofStep, ...byNames.get(candidate.name) }
}
