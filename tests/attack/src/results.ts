import { appendFile, readFile } from 'node:fs/promises'
import type { CampaignReport } from './campaign.ts'
import type { PlaceName } from './places.ts'

/** One line of the file of results. */
export interface Result extends CampaignReport {
  readonly place: PlaceName
  /** The server, or the disk. */
  readonly name: string
}

/** The results of earlier runs, which a run continues. */
export async function readResults(file: string): Promise<readonly Result[]> {
  try {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
    // This program wrote them.
    return lines.map((line) => JSON.parse(line) as Result)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

export async function addResult(file: string, result: Result): Promise<void> {
  await appendFile(file, `${JSON.stringify(result)}\n`)
}

/** The sum of results, as one line for people. */
export function summaryOf(results: readonly Result[]): string {
  const sum = (number: (result: Result) => number): string =>
    results.reduce((total, result) => total + number(result), 0).toLocaleString('en')
  const broken = results.flatMap(({ seed, violations }) =>
    violations.map((what) => `\n  seed ${seed}: ${what}`),
  )
  const verdict = broken.length === 0 ? 'no promise was broken' : `BROKEN PROMISES:${broken.join('')}`
  return (
    `${results.length} stores, ${sum(({ seconds }) => seconds)} s: ${sum(({ kills }) => kills)} SIGKILL, ` +
    `${sum(({ stops }) => stops)} SIGSTOP and SIGCONT, ${sum(({ terminations }) => terminations)} SIGTERM, ` +
    `${sum(({ operations }) => operations)} operations, ${sum(({ acknowledgedSaves }) => acknowledgedSaves)} acknowledged saves, ` +
    `${sum(({ restores }) => restores)} restores compared byte by byte; ${verdict}`
  )
}
