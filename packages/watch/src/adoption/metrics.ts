import { readFile } from 'node:fs/promises'
import { HoldfastError } from '@holdfast/core'
import { fromNodeError } from '@holdfast/core/backend'
import { type MetricsTable, parseMetricsCsv } from '../formats/csv.ts'
import type { WholeCheckpoint } from './inspect.ts'

/** Reads the CSV file of metrics, if one is configured. */
export async function readMetrics(file: string | undefined): Promise<MetricsTable> {
  if (file === undefined) return { bySteps: new Map(), byNames: new Map() }
  try {
    return parseMetricsCsv(await readFile(file, 'utf8'), file)
  } catch (error) {
    throw error instanceof HoldfastError ? error : fromNodeError(error, `reading ${file}`)
  }
}

/** Returns the metrics of the checkpoint and those of its line in the table. */
export function metricsOf(
  { candidate, reading }: WholeCheckpoint,
  step: number | undefined,
  { bySteps, byNames }: MetricsTable,
): Readonly<Record<string, number>> {
  const ofStep = step === undefined ? undefined : bySteps.get(step)
  return { ...reading.metrics, ...ofStep, ...byNames.get(candidate.name) }
}
