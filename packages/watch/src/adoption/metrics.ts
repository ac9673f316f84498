import { readFile } from 'node:fs/promises'
import { isHoldfastError } from '@holdfast/core'
import { fromPathError, nodeErrorCode } from '@holdfast/core/backend'
import { parseMetricsCsv } from '../formats/csv.ts'
import type { Announcements } from './announcements.ts'
import { MetricsTable } from './metrics-table.ts'

const noMetrics = new MetricsTable([])

/**
 * Reads the CSV file of metrics, if one is configured. Rejects with `INVALID_ARGUMENT` if no column names the checkpoint of a
 * line or if there is no such file, and with the error of the file system if the file cannot be read.
 */
export async function readMetrics(file: string | undefined): Promise<MetricsTable> {
  return file === undefined ? noMetrics : tableOf(await textOf(file), file)
}

/**
 * Reads a CSV file of metrics that a program may be writing. Nothing that is wrong with it keeps a checkpoint from being
 * saved, so an event reports it. Loggers create the file late, and rewrite it for a new column. The last line is ignored
 * without a line break, because it may be half a line.
 */
export async function readGrowingMetrics(
  file: string | undefined,
  announcements: Announcements,
): Promise<MetricsTable> {
  if (file === undefined) return noMetrics
  try {
    const text = await textOf(file)
    const lines = text.slice(0, text.lastIndexOf('\n') + 1)
    if (lines.trim() !== '') return tableOf(lines, file)
    announcements.announceOnce({ type: 'noMetrics', file, reason: `${file} has no lines yet.` })
  } catch (error) {
    if (!isHoldfastError(error)) throw error
    const isMissing = nodeErrorCode(error.cause) === 'ENOENT'
    const reason = isMissing ? `${file} does not exist.` : error.reason
    announcements.announceOnce({ type: 'noMetrics', file, reason })
  }
  return noMetrics
}

function tableOf(text: string, file: string): MetricsTable {
  return new MetricsTable(parseMetricsCsv(text, file))
}

async function textOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    throw fromPathError(error, `reading ${file}`)
  }
}
