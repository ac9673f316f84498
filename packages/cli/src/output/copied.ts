import { type CopyOutcome, type CopyReport, formatSize } from '@holdfast/core'
import { type ExitCode, exitCodeOf, exitCodes } from '../exit-codes.ts'
import { withHint } from './hints.ts'
import { type Printer, styled } from './printer.ts'
import { count, formatDuration, joined, stepsText } from './text.ts'

/** Prints what became of one checkpoint. */
export function printOutcome(printer: Printer, outcome: CopyOutcome, dryRun: boolean): void {
  const { kind, step, toStep, bytes } = outcome
  const named = step === toStep ? `step ${step}` : `step ${step} to step ${toStep}`
  if (kind === 'copied' && dryRun) printer.line(joined(`would copy ${named}`, formatSize(bytes)))
  if (kind === 'copied' && !dryRun) {
    const before =
      outcome.bytesBefore > 0 ? `, ${formatSize(outcome.bytesBefore)} of it were there already` : ''
    printer.line(
      joined(`copied ${named}`, `${formatSize(bytes)} in ${formatDuration(outcome.duration)}${before}`),
    )
    for (const dropped of outcome.dropped)
      printer.line(joined(`dropped step ${dropped.step}`, dropped.because))
  }
  if (kind === 'updated')
    printer.line(joined(`${dryRun ? 'would update' : 'updated'} ${named}`, outcome.what.join(', ')))
  if (kind === 'skipped') printer.line(joined(`skipped ${named}`, outcome.because))
  if (kind === 'failed') printer.line(styled('red', 'failed'), `  ${named} · ${withHint(outcome.error)}`)
  const { kind: _, ...facts } = outcome
  printer.data({ type: kind, ...facts })
}

/** A rewind of the source is the only reason for which a copy takes checkpoints away. */
export function printAbandoned(printer: Printer, { abandonedSteps }: CopyReport, dryRun: boolean): void {
  if (abandonedSteps.length === 0) return
  printer.line(
    joined(`${dryRun ? 'would abandon' : 'abandoned'} ${stepsText(abandonedSteps)}`, 'the source went back'),
  )
}

/** Prints the result of a copy to the store of `url`. */
export function printReport(printer: Printer, url: string, report: CopyReport, dryRun: boolean): void {
  const { outcomes, metricsOfSteps, abandonedSteps } = report
  printAbandoned(printer, report, dryRun)
  const { counts, bytes, text } = sumOf(outcomes, dryRun)
  const ofMetrics =
    metricsOfSteps.length === 0 ? [] : [`metrics of ${count(metricsOfSteps.length, 'deleted checkpoint')}`]
  printer.line(joined([text, ...ofMetrics].join(', '), url))
  printer.data({ type: 'result', command: 'copy', dryRun, ...counts, bytes, metricsOfSteps, abandonedSteps })
}

/** Returns what was copied as text, such as `3 copied, 1 skipped`. */
export function sumText(outcomes: readonly CopyOutcome[], dryRun: boolean): string {
  return sumOf(outcomes, dryRun).text
}

interface CopySum {
  readonly counts: Readonly<Record<'copied' | 'there' | 'updated' | 'skipped' | 'failed', number>>
  readonly bytes: number
  /** The counts as text. */
  readonly text: string
}

function sumOf(outcomes: readonly CopyOutcome[], dryRun: boolean): CopySum {
  const of = (kind: CopyOutcome['kind']): readonly CopyOutcome[] =>
    outcomes.filter((each) => each.kind === kind)
  const counts = {
    copied: of('copied').length,
    there: of('there').length + of('updated').length,
    updated: of('updated').length,
    skipped: of('skipped').length,
    failed: of('failed').length,
  }
  const bytes = of('copied').reduce((sum, each) => sum + each.bytes, 0)
  const parts = [
    dryRun ? `${counts.copied} would be copied (${formatSize(bytes)})` : `${counts.copied} copied`,
    counts.there > 0 && `${counts.there} already there`,
    counts.updated > 0 && `${counts.updated} of them updated`,
    counts.skipped > 0 && `${counts.skipped} skipped`,
    counts.failed > 0 && `${counts.failed} failed`,
  ]
  return { counts, bytes, text: parts.filter((part) => part !== false).join(', ') }
}

/** The code of corrupt checkpoints wins over that of refused ones. */
export function exitCodeForCopies({ outcomes }: CopyReport): ExitCode {
  const codes = outcomes.flatMap((outcome) => (outcome.kind === 'failed' ? [outcome.error.code] : []))
  const [first] = codes
  if (first === undefined) return exitCodes.done
  return exitCodeOf(codes.includes('CORRUPT') ? 'CORRUPT' : first)
}
