import { formatSize, type JudgedCheckpoint } from '@holdfast/core'
import { defineCommand } from '../command.ts'
import { exitCodes } from '../exit-codes.ts'
import { type Column, fitTable } from '../output/table.ts'
import { count, formatAge, formatMetric, joined } from '../output/text.ts'
import { unfinishedLines } from '../output/unfinished.ts'
import { selectCheckpoints, selectionOptions } from '../selection/checkpoints.ts'
import { withStore } from '../with-store.ts'
import { own } from '../own.ts'

export const ls = defineCommand({
  example: 'holdfast ls',
  arguments: [],
  options: selectionOptions,
  run: async ({ options, signal }) =>
    withStore(options, signal, async ({ store, printer }) => {
      const all = await store.list({ signal })
      const checkpoints = selectCheckpoints(all, options, new Date())
      const quarantined = await store.quarantined({ signal })
      const abandoned = await store.abandoned({ signal })
      if (all.length + quarantined.length + abandoned.length === 0) {
        printer.line(
          `No checkpoint in ${store.url} yet. The first save creates the store: holdfast save FILE --step 0`,
        )
      } else {
        if (checkpoints.length > 0 && !printer.json) {
          const { text, hidden } = await table(
            options.sort === undefined ? checkpoints.toReversed() : checkpoints,
            new Date(),
          )
          printer.lines(text)
          if (hidden.length > 0)
            printer.line(
              `The terminal is too narrow for ${hidden.join(', ')}. Show all metrics with holdfast metrics.`,
            )
        }
        for (const each of abandoned) printer.line(abandonedText(each))
        for (const { step, reason } of quarantined) printer.line(`step ${step} is quarantined: ${reason}`)
      }
      const free = printer.json ? undefined : await freeText(store.backend, signal)
      const bytes = checkpoints.reduce((sum, checkpoint) => sum + checkpoint.bytes, 0)
      if (all.length > 0) {
        const number =
          checkpoints.length === all.length
            ? count(all.length, 'checkpoint')
            : `${checkpoints.length} of ${count(all.length, 'checkpoint')}`
        printer.line(joined(number, formatSize(bytes), free, store.url))
      }
      const unfinished = await store.unfinishedSaves({ signal })
      for (const line of unfinishedLines(unfinished)) printer.line(line)
      for (const checkpoint of checkpoints) printer.data({ type: 'checkpoint', ...checkpoint })
      for (const each of abandoned) printer.data({ type: 'abandoned', ...each })
      for (const aside of quarantined) printer.data({ type: 'quarantined', ...aside })
      printer.data({
        type: 'result',
        command: 'ls',
        checkpoints: checkpoints.length,
        bytes,
        unfinished,
        url: store.url,
      })
      return exitCodes.done
    }),
})

/** Some trainers count epochs as fractions such as 0.3333333333. */
function formatEpoch(epoch: number | undefined): string {
  return epoch === undefined ? '' : String(Number(epoch.toFixed(2)))
}

async function table(checkpoints: readonly JudgedCheckpoint[], now: Date): ReturnType<typeof fitTable> {
  const metrics = [...new Set(checkpoints.flatMap((checkpoint) => Object.keys(checkpoint.metrics)))].sort()
  const hasEpochs = checkpoints.some(({ epoch }) => epoch !== undefined)
  const columns: readonly Column[] = [
    { title: 'STEP', align: 'right' },
    ...(hasEpochs ? [{ title: 'EPOCH', align: 'right' } as const] : []),
    { title: 'SIZE', align: 'right' },
    { title: 'SAVED', align: 'right' },
    ...metrics.map((title) => ({ title, align: 'right', optional: true }) as const),
    { title: checkpoints.some(({ keptBecause }) => keptBecause.length > 0) ? 'KEPT BECAUSE' : 'NOTES' },
  ]
  const rows = checkpoints.map((checkpoint) => [
    String(checkpoint.step),
    ...(hasEpochs ? [formatEpoch(checkpoint.epoch)] : []),
    formatSize(checkpoint.bytes),
    formatAge(checkpoint.savedAt, now),
    ...metrics.map((name) => formatMetric(own(checkpoint.metrics, name))),
    notes(checkpoint),
  ])
  return fitTable(columns, rows, process.stdout.isTTY ? process.stdout.columns : Infinity)
}

/** Says that a rewind left a checkpoint behind, and whether it stays. */
function abandonedText({ step, bytes, keptBecause }: JudgedCheckpoint): string {
  const fate = keptBecause.length > 0 ? `It stays: ${keptBecause.join(', ')}.` : 'The next save drops it.'
  return `step ${step} (${formatSize(bytes)}) is abandoned by a rewind. ${fate}`
}

/** Returns why a checkpoint is kept, or else its marks: best, pinned and tags. Marks the latest and abandoned ones. */
export function notes(checkpoint: JudgedCheckpoint): string {
  const { isLatest, isAbandoned } = checkpoint
  return [
    ...reasonsOf(checkpoint).filter((reason) => reason !== 'latest'),
    ...(isLatest ? ['latest'] : []),
    ...(isAbandoned ? ['abandoned by a rewind'] : []),
  ].join(', ')
}

function reasonsOf({ bestOf, pinned, tags, keptBecause }: JudgedCheckpoint): readonly string[] {
  if (keptBecause.length > 0) return keptBecause
  const because = pinned?.reason === undefined ? '' : ` ${JSON.stringify(pinned.reason)}`
  return [
    ...bestOf.map((name) => `best ${name}`),
    ...(pinned === undefined ? [] : [`pinned${because}`]),
    ...tags.map((tag) => `#${tag}`),
  ]
}

async function freeText(
  backend: { freeSpace(options: { signal: AbortSignal }): Promise<{ kind: string; available?: number }> },
  signal: AbortSignal,
): Promise<string | undefined> {
  const { available } = await backend.freeSpace({ signal })
  return available === undefined ? undefined : `${formatSize(available)} free`
}
