import { type CheckpointStore, formatSize, type JudgedCheckpoint, type RunSummary } from '@holdfast/core'
import { concurrently } from '@holdfast/core/backend'
import { defineCommand } from '../declare/command.ts'
import { optionalArgument, text } from '../declare/declaration.ts'
import { exitCodes, type ExitCode } from '../exit-codes.ts'
import type { GlobalOptions } from '../declare/global-options.ts'
import { withHint } from '../output/hints.ts'
import { Printer } from '../output/printer.ts'
import { formatTable } from '../output/table.ts'
import { count, formatDuration, joined } from '../output/text.ts'
import { exitCodeFor, faultOf, openRun, refuseStoreOptions, runsBelow } from '../runs/runs-below.ts'
import { bytesByReason, bytesPerDay, fullAt } from '@holdfast/page/analysis'
import { unfinishedSize } from '../output/unfinished.ts'
import { withStore } from '../with-store.ts'

/** How many runs are read at once. */
const runsAtOnce = 8

export const stats = defineCommand({
  example: 'holdfast stats',
  arguments: [
    optionalArgument('[prefix]', 'show all runs below this path or URL instead of one store', text),
  ],
  options: {},
  run: async ({ arguments: [prefix], options, signal }) =>
    prefix === undefined
      ? withStore(options, signal, ({ store, printer }) => ofStore(store, printer, signal))
      : ofRuns(prefix, options, signal),
})

interface StoreFacts {
  readonly checkpoints: readonly JudgedCheckpoint[]
  readonly free: number | undefined
}

async function factsOf(store: CheckpointStore, signal: AbortSignal): Promise<StoreFacts> {
  const listed = await store.list({ signal })
  const abandoned = await store.abandoned({ signal })
  const free = await store.backend.freeSpace({ signal })
  return { checkpoints: [...listed, ...abandoned], free: 'available' in free ? free.available : undefined }
}

async function ofStore(store: CheckpointStore, printer: Printer, signal: AbortSignal): Promise<ExitCode> {
  const { checkpoints, free } = await factsOf(store, signal)
  const quarantined = await store.quarantined({ signal })
  const removed = await store.removed({ signal })
  const unfinished = await store.unfinishedSaves({ signal })
  const growth = bytesPerDay(checkpoints)
  await printReasons(printer, checkpoints)
  const bytes = sizeOf(checkpoints)
  printer.line(joined(count(checkpoints.length, 'checkpoint'), formatSize(bytes), store.url))
  printer.line(forecast(growth, free))
  if (quarantined.length > 0)
    printer.line(`${count(quarantined.length, 'checkpoint')} in quarantine, whose size is not counted`)
  if (removed.length > 0)
    printer.line(
      `${count(removed.length, 'removed checkpoint')}, ${formatSize(sizeOf(removed))} more, kept for holdfast undo`,
    )
  if (unfinished.saves > 0)
    printer.line(`${count(unfinished.saves, 'unfinished save')}, ${unfinishedSize(unfinished)} more`)
  printer.data({
    type: 'result',
    command: 'stats',
    checkpoints: checkpoints.length,
    bytes,
    ...forecastData(growth, free),
    quarantined: quarantined.length,
    removed: { checkpoints: removed.length, bytes: sizeOf(removed) },
    unfinished,
    url: store.url,
  })
  return exitCodes.done
}

interface RunFacts extends StoreFacts {
  readonly run: RunSummary
}

async function ofRuns(prefix: string, options: GlobalOptions, signal: AbortSignal): Promise<ExitCode> {
  refuseStoreOptions(options, 'stats')
  const printer = new Printer(options.json ?? false)
  const runs = await runsBelow(prefix, options, printer, { signal })
  const read = await concurrently(runs, runsAtOnce, signal, async (run, each): Promise<RunFacts> => {
    if (run.state !== 'readable') return { run, checkpoints: [], free: undefined }
    await using store = await openRun(prefix, run, options)
    return { run, ...(await factsOf(store, each)) }
  })
  const all = read.flatMap(({ checkpoints }) => checkpoints)
  const free = read.find((each) => each.free !== undefined)?.free
  const growth = read
    .map(({ checkpoints }) => bytesPerDay(checkpoints))
    .reduce<number | undefined>((sum, each) => (each === undefined ? sum : (sum ?? 0) + each), undefined)
  if (runs.length === 0) printer.line(`No run below ${prefix}. A run is a folder into which holdfast saves.`)
  else if (!printer.json) printer.lines(await runTable(prefix, read))
  for (const { run, checkpoints } of read)
    printer.data(
      run.state === 'readable'
        ? {
            type: 'run',
            name: run.name,
            url: run.url,
            checkpoints: checkpoints.length,
            bytes: sizeOf(checkpoints),
            bytesPerDay: bytesPerDay(checkpoints),
          }
        : { type: 'run', name: run.name, url: run.url, state: run.state, message: withHint(run.error) },
    )
  if (runs.length > 0) printer.line('')
  await printReasons(printer, all)
  if (runs.length > 0) {
    printer.line(joined(count(runs.length, 'run'), count(all.length, 'checkpoint'), formatSize(sizeOf(all))))
    printer.line(forecast(growth, free))
  }
  printer.data({
    type: 'result',
    command: 'stats',
    runs: runs.length,
    checkpoints: all.length,
    bytes: sizeOf(all),
    ...forecastData(growth, free),
  })
  return exitCodeFor(runs)
}

async function runTable(prefix: string, read: readonly RunFacts[]): Promise<string> {
  const rows = read.map(({ run, checkpoints }) => {
    const growth = bytesPerDay(checkpoints)
    const name = run.name === '' ? '.' : run.name
    if (run.state !== 'readable') return [name, '', '', '', faultOf(prefix, run)]
    const daily = growth === undefined ? '' : formatSize(growth)
    return [name, String(checkpoints.length), formatSize(sizeOf(checkpoints)), daily, '']
  })
  return formatTable(
    [
      { title: 'RUN' },
      { title: 'CHECKPOINTS', align: 'right' },
      { title: 'SIZE', align: 'right' },
      { title: 'GROWTH A DAY', align: 'right' },
      { title: '' },
    ],
    rows,
  )
}

/** Prints what each reason keeps, as a table or as lines of JSON. */
async function printReasons(printer: Printer, checkpoints: readonly JudgedCheckpoint[]): Promise<void> {
  const reasons = bytesByReason(checkpoints)
  for (const each of reasons) printer.data({ type: 'reason', ...each })
  if (printer.json || reasons.length === 0) return
  printer.lines(
    await formatTable(
      [
        { title: 'KEPT BECAUSE' },
        { title: 'CHECKPOINTS', align: 'right' },
        { title: 'SIZE', align: 'right' },
        { title: 'ONLY BECAUSE OF IT', align: 'right' },
      ],
      reasons.map(({ reason, checkpoints: number, bytes, bytesAlone }) => [
        reason,
        String(number),
        formatSize(bytes),
        formatSize(bytesAlone),
      ]),
    ),
  )
}

function forecast(growth: number | undefined, free: number | undefined): string {
  const now = new Date()
  const full = free === undefined ? undefined : fullAt(free, growth, now)
  return joined(
    growth === undefined
      ? 'too few checkpoints to estimate the growth'
      : `grows by about ${formatSize(growth)} a day`,
    free !== undefined && `${formatSize(free)} free`,
    full !== undefined && `full in about ${formatDuration(full.getTime() - now.getTime())}`,
  )
}

function forecastData(
  growth: number | undefined,
  free: number | undefined,
): Readonly<Record<string, unknown>> {
  const full = free === undefined ? undefined : fullAt(free, growth, new Date())
  return { bytesPerDay: growth, free, fullAt: full }
}

function sizeOf(checkpoints: readonly Pick<JudgedCheckpoint, 'bytes'>[]): number {
  return checkpoints.reduce((sum, { bytes }) => sum + bytes, 0)
}
