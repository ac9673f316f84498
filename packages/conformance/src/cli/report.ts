import { styleText } from 'node:util'
import type { Diagnosis } from '@holdfast/core'
import { type BackendCapabilities, formatSize } from '@holdfast/core/backend'
import type { PolicyDocument } from '../policies/index.ts'

/** The result of one case. */
export interface CaseResult {
  readonly name: string
  readonly outcome: 'ok' | 'failed' | 'skipped'
  /** The reason why the case failed or was skipped. */
  readonly why?: string | undefined
}

export interface Summary {
  readonly url: string
  readonly capabilities: BackendCapabilities
  /** The checks of the probe that failed. */
  readonly failedChecks: readonly string[]
  /** The results of the cases that were chosen and reached. */
  readonly results: readonly CaseResult[]
  readonly casesInSuite: number
  /** The error of the clean-up, if test objects may be left. */
  readonly cleanupFailed: string | undefined
  readonly interrupted: boolean
}

/** Prints the results during the run, as text for people or as lines of JSON for programs. */
export interface Report {
  /** Prints a note to standard error. The report in JSON has no notes. */
  note(text: string): void
  /** Prints what the doctor of a store found at the place. */
  probe(diagnoses: readonly Diagnosis[]): void
  result(result: CaseResult): void
  end(summary: Summary): void
  policies(documents: readonly PolicyDocument[]): void
  /** Prints an error of the command line or of the place to standard error. */
  error(code: string, message: string): void
}

export function reportIn(json: boolean): Report {
  return json ? jsonReport : textReport
}

const jsonReport: Report = {
  note: () => undefined,
  probe(diagnoses) {
    for (const { check, verdict, finding } of diagnoses)
      writeJson(process.stdout, { type: 'probe', check, verdict, finding })
  },
  result(result) {
    writeJson(process.stdout, { type: 'case', ...result })
  },
  end({ results, ...summary }) {
    writeJson(process.stdout, { type: 'result', ...summary, ...countsOf(results) })
  },
  policies(documents) {
    for (const document of documents) writeJson(process.stdout, { type: 'policy', ...document })
  },
  error(code, message) {
    writeJson(process.stderr, { type: 'error', code, message })
  },
}

const probeMarks = {
  good: styled('green', 'ok    '),
  warning: styled('yellow', 'WARN  '),
  bad: styled('red', 'FAILED'),
}

const textReport: Report = {
  note(text) {
    process.stderr.write(`${text}\n`)
  },
  probe(diagnoses) {
    for (const { check, verdict, finding } of diagnoses)
      process.stdout.write(`${probeMarks[verdict]}  ${check.padEnd(18)} ${finding}\n`)
    process.stdout.write('\n')
  },
  result({ name, outcome, why }) {
    const mark = { ok: styled('green', 'ok    '), failed: styled('red', 'FAILED'), skipped: 'skip  ' }[
      outcome
    ]
    const reason = why === undefined ? '' : `\n${indented(why)}`
    process.stdout.write(`${mark}  ${name}${reason}\n`)
  },
  end(summary) {
    process.stdout.write(`\n${capabilityLines(summary.capabilities).join('\n')}\n\n${sentence(summary)}\n`)
  },
  policies(documents) {
    if (documents.length === 0) process.stdout.write('\nThis kind of place has no policy documents.\n')
    for (const { title, text } of documents) process.stdout.write(`\n# ${title}\n${text}\n`)
  },
  error(_, message) {
    process.stderr.write(`${styled('red', 'holdfast-conformance:')} ${message}\n`)
  },
}

function countsOf(results: readonly CaseResult[]): Readonly<Record<CaseResult['outcome'], number>> {
  const count = (outcome: CaseResult['outcome']): number =>
    results.filter((result) => result.outcome === outcome).length
  return { ok: count('ok'), failed: count('failed'), skipped: count('skipped') }
}

function capabilityLines(capabilities: BackendCapabilities): readonly string[] {
  const { freeSpace, hash, localRoot, maxKeyBytes, maxObjectBytes, maxBufferedBytes } = capabilities
  const words = {
    hash: { store: 'kept by the store', writer: 'sent by the writer', computed: 'computed by reading' }[hash],
  }
  return [
    `free space      ${freeSpace}`,
    `digests         ${words.hash}`,
    `longest key     ${maxKeyBytes} bytes`,
    `largest object  ${formatSize(maxObjectBytes)}`,
    `buffers         up to ${formatSize(maxBufferedBytes)}`,
    `small objects   ${capabilities.smallObjectsAtOnce} at once`,
    `resumes puts    ${capabilities.resumesPuts ? 'yes' : 'no'}`,
    `reuses objects  ${capabilities.reusesObjects ?? 'no'}`,
    `writes ahead    ${capabilities.writesAhead === true ? 'yes' : 'no'}`,
    `local files     ${localRoot === undefined ? 'no' : 'yes'}`,
  ]
}

function sentence(summary: Summary): string {
  const { results, cleanupFailed, interrupted } = summary
  const { skipped } = countsOf(results)
  const verdict = verdictOf(summary)
  return [
    skipped === 0 ? `${verdict}.` : `${verdict}, ${skipped} skipped.`,
    interrupted ? 'The run was interrupted, so the other cases did not run.' : undefined,
    cleanupFailed === undefined
      ? 'All test objects were deleted.'
      : `Test objects may be left, because deleting them failed: ${cleanupFailed}`,
  ]
    .filter((part) => part !== undefined)
    .join(' ')
}

/** A place passes only if the probe finds no fault and every case was reached. */
function verdictOf({ url, failedChecks, results, casesInSuite }: Summary): string {
  const { ok, failed } = countsOf(results)
  if (failedChecks.length > 0)
    return `${url} fails the suite: the probe of ${failedChecks.join(', ')} failed, and ${failed} of ${ok + failed} cases failed`
  if (failed > 0) return `${url} fails the suite: ${failed} of ${ok + failed} cases failed`
  if (ok === 0) return `No case ran on ${url}`
  if (results.length === casesInSuite) return `${url} passes the suite: all ${ok} cases passed`
  return `${url}: ${ok} of ${casesInSuite} cases ran, and passed`
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gm, '        ')
}

function styled(style: 'green' | 'red' | 'yellow', text: string): string {
  return styleText(style, text, { stream: process.stdout })
}

function writeJson(stream: NodeJS.WriteStream, line: Readonly<Record<string, unknown>>): void {
  stream.write(`${JSON.stringify(line)}\n`)
}
