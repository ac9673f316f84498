import { formatSize, HoldfastError } from '@holdfast/core'
import { nothingThere } from '../output/nothing-there.ts'
import { parseSteps } from '../parsing/arguments.ts'
import { defineCommand } from '../declare/command.ts'
import { argument, flag } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { withHint } from '../output/hints.ts'
import { styled } from '../output/printer.ts'
import { count, formatDuration, joined, stepsText } from '../output/text.ts'
import { withStore } from '../with-store.ts'

export const verify = defineCommand({
  example: 'holdfast verify --all',
  arguments: [argument('[step...]', 'the steps of the checkpoints; default: all', parseSteps)],
  options: {
    all: flag('verify all checkpoints and the documents of the store (default)'),
    quick: flag('compare only sizes and the digests of the store; finds missing and truncated files'),
  },
  run: async ({ arguments: [steps], options, signal }) => {
    if (options.all === true && steps.length > 0)
      throw new HoldfastError('INVALID_ARGUMENT', 'Steps and --all exclude each other. Pass one of them.')
    return withStore(options, signal, async ({ store, printer, progress }) => {
      const began = performance.now()
      const bar = progress('verifying')
      try {
        const report = await store.verify({
          steps: steps.length > 0 ? steps : undefined,
          quick: options.quick,
          signal,
          onProgress: ({ bytes, total }) => {
            bar.update(bytes, total)
          },
        })
        bar.stop()
        if (report.checkpoints.length === 0 && report.good)
          throw nothingThere('latest', store.url, await store.presence({ signal }))
        const bad = report.checkpoints.filter(({ problems }) => problems.length > 0)
        for (const { step, problems } of bad) {
          printer.line(styled('red', 'corrupt'), `  step ${step} · ${problems.join('; ')}`)
        }
        for (const problem of report.problems) printer.line(styled('red', 'corrupt'), `  ${problem}`)
        for (const step of report.released)
          printer.line(`step ${step} was quarantined but verifies; it is listed again`)
        const releasable = report.releasable.map(({ step, reason, hint }) => {
          return { step, reason: withHint({ reason, hint }) }
        })
        for (const { step, reason } of releasable)
          printer.line(`step ${step} is quarantined but verifies; it cannot be listed again now: ${reason}`)
        const bytes = report.checkpoints.reduce((sum, checkpoint) => sum + checkpoint.bytes, 0)
        const good = report.checkpoints.length - bad.length
        printer.line(
          joined(
            `${count(good, 'checkpoint')} good`,
            bad.length > 0 && `${bad.length} corrupt`,
            `${formatSize(bytes)} ${options.quick === true ? 'checked' : 'read'} in ${formatDuration(performance.now() - began)}`,
          ),
        )
        const corrupt = bad.map(({ step }) => step)
        const latest = corrupt.length === 0 ? undefined : await store.latest({ signal })
        for (const line of adviceFor(corrupt, latest?.step)) printer.line(line)
        if (report.problems.length > 0) printer.line('Repair the documents of the store: holdfast repair')
        for (const checkpoint of report.checkpoints) printer.data({ type: 'verified', ...checkpoint })
        const { good: isGood, problems, released } = report
        printer.data({ type: 'result', command: 'verify', good: isGood, problems, released, releasable })
        return report.good ? exitCodes.done : exitCodes.corrupt
      } finally {
        bar.stop()
      }
    })
  },
})

/** A restore of the latest checkpoint quarantines only that one, and those before it until one is good. */
function adviceFor(corrupt: readonly number[], latest: number | undefined): readonly string[] {
  const others = corrupt.filter((step) => step !== latest)
  const [first] = others
  const which = others.length === 1 ? 'it' : 'each one'
  return [
    ...(others.length === corrupt.length
      ? []
      : [
          'Quarantine the latest one and restore the newest good one: holdfast restore latest --fallback --to DIR',
        ]),
    ...(first === undefined
      ? []
      : [
          `Delete ${stepsText(others)}: holdfast rm ${others.join(' ')}`,
          `Or quarantine ${which}, and restore the good one before it: holdfast restore ${first} --fallback --to DIR`,
        ]),
  ]
}
