import { type CheckpointStore, formatSize } from '@holdfast/core'
import { defineCommand } from '../declare/command.ts'
import { flag, option } from '../declare/declaration.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { duration } from '../parsing/quantities.ts'
import { mirrorFailureText, mirrorText } from '../output/mirror.ts'
import { formatAge, formatDuration, joined } from '../output/text.ts'
import { bytesPerDay, fullAt } from '@holdfast/page/analysis'
import { withStore } from '../with-store.ts'

export const status = defineCommand({
  example: 'holdfast status',
  arguments: [],
  options: {
    maxAge: option(
      '<time>',
      'exit with 11 if the latest checkpoint, or that of the mirror, is older, such as 2h or 30min',
      duration,
    ),
    forgetMirror: flag('forget a mirror that is not used any more, so that nothing is kept for it'),
  },
  run: async ({ options, signal }) =>
    withStore(options, signal, async ({ store, printer }) => {
      if (options.forgetMirror === true) {
        await store.forgetMirror({ signal })
        printer.line('forgot the mirror')
      }
      const now = new Date()
      const latest = await store.latest({ signal })
      const mirror = await store.mirrorStatus({ signal })
      const space = await spaceOf(store, now, signal)
      const ages = {
        latest: latest && now.getTime() - latest.savedAt.getTime(),
        mirror: mirror?.newest && now.getTime() - mirror.newest.savedAt.getTime(),
      }
      const saved =
        latest === undefined
          ? 'no checkpoint yet'
          : `latest step ${latest.step}, ${formatAge(latest.savedAt, now)}`
      const copied = mirror === undefined ? undefined : mirrorText(mirror, now)
      printer.line(joined(saved, copied, spaceText(space, now), store.url))
      const failure = mirror && mirrorFailureText(mirror, now)
      if (failure !== undefined) printer.note(failure)
      const late =
        options.maxAge === undefined
          ? undefined
          : tooOld(options.maxAge, ages, mirror === undefined ? 'store alone' : 'store and mirror')
      if (late !== undefined) printer.note(late)
      // Nothing reaches a mirror that another store owns, so its copies only get older.
      const isTooOld = late !== undefined || (options.maxAge !== undefined && mirror?.state === 'fenced')
      printer.data({
        type: 'result',
        command: 'status',
        url: store.url,
        latest: latest && { step: latest.step, savedAt: latest.savedAt },
        ages,
        mirror,
        ...space,
        tooOld: isTooOld,
      })
      return codeFor(latest !== undefined, isTooOld)
    }),
})

/** A run that never saved is not found. One that stopped saving is too old. */
function codeFor(hasLatest: boolean, isTooOld: boolean): ExitCode {
  if (isTooOld) return exitCodes.tooOld
  return hasLatest ? exitCodes.done : exitCodes.notFound
}

/** Ages in milliseconds of the latest checkpoints; `undefined` where there is none. */
interface Ages {
  readonly latest: number | undefined
  readonly mirror: number | undefined
}

/** Returns what is older than allowed, as a sentence. A mirror without a checkpoint is older than any age. */
function tooOld(
  maxAge: number,
  { latest, mirror }: Ages,
  watched: 'store alone' | 'store and mirror',
): string | undefined {
  if (latest === undefined) return undefined
  if (latest > maxAge) return `The latest checkpoint is older than ${formatDuration(maxAge)}.`
  if (watched === 'store alone') return undefined
  if (mirror === undefined) return 'The mirror has no checkpoint of this store yet.'
  if (mirror <= maxAge) return undefined
  return `The latest checkpoint of the mirror is older than ${formatDuration(maxAge)}.`
}

interface Space {
  /** Free bytes; `undefined` if the store has no limit or does not report it. */
  readonly free: number | undefined
  readonly fullAt: Date | undefined
}

async function spaceOf(store: CheckpointStore, now: Date, signal: AbortSignal): Promise<Space> {
  const found = await store.backend.freeSpace({ signal })
  const free = 'available' in found ? found.available : undefined
  if (free === undefined) return { free, fullAt: undefined }
  return { free, fullAt: fullAt(free, bytesPerDay(await store.list({ signal })), now) }
}

function spaceText({ free, fullAt: full }: Space, now: Date): string | undefined {
  if (free === undefined) return undefined
  const forecast =
    full === undefined ? '' : `, full in about ${formatDuration(full.getTime() - now.getTime())}`
  return `${formatSize(free)} free${forecast}`
}
