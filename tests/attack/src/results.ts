import { appendFile, readFile } from 'node:fs/promises'
import type { CampaignReport } from './campaign.ts'
import type { PlaceName } from './places.ts'

/** One line of the file of results: the report of one campaign. */
export interface Result extends CampaignReport {
  readonly place: PlaceName
  /** The name of the server or of the disk. */
  readonly name: string
}

/** Returns the results of earlier runs. */
export async function readResults<Line = Result>(file: string): Promise<readonly Line[]> {
  try {
    const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line !== '')
    // No parser is necessary, because this program has written the file.
    return lines.map((line) => JSON.parse(line) as Line)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

export async function addResult(file: string, result: object): Promise<void> {
  await appendFile(file, `${JSON.stringify(result)}\n`)
}

/** Returns a summary of results for people. */
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
