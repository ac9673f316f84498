import { existsSync } from 'node:fs'
import { longestTimer } from '@holdfast/core/backend'
import type { Unsaved } from '@holdfast/watch'
import { adoptionOf, adoptionOptions } from '../options/adoption.ts'
import { defineCommand } from '../declare/command.ts'
import { argument, option, text } from '../declare/declaration.ts'
import { exitCodeOf, exitCodes } from '../exit-codes.ts'
import { onSavedOption, savedHook } from '../hooks/on-saved.ts'
import { printAdoption } from '../output/adoption.ts'
import { mirrorText } from '../output/mirror.ts'
import { formatDuration, stepsText } from '../output/text.ts'
import { retentionOptions } from '../options/retention.ts'
import { parseSeconds } from '../parsing/arguments.ts'
import { defaultGrace } from '../signals/interruption.ts'
import { withStore } from '../with-store.ts'

export const watch = defineCommand({
  example: 'holdfast watch out --keep-last 3 --keep-best eval_loss:min',
  arguments: [argument('<folder>', 'where the program writes; it may not exist yet', text)],
  options: {
    grace: option(
      '<seconds>',
      'time to save complete checkpoints after SIGTERM or SIGINT; default: 25',
      parseSeconds,
    ),
    onSaved: onSavedOption,
    ...adoptionOptions,
    ...retentionOptions,
  },
  run: async ({ arguments: [folder], options, signal, interruption }) =>
    withStore(
      options,
      signal,
      async ({ store, printer }) => {
        const { watchFolder } = await import('@holdfast/watch')
        const { grace = defaultGrace } = options
        const ending = new AbortController()
        const savedSince: number[] = []
        interruption.finishWithin({
          milliseconds: Math.min(grace, longestTimer),
          after: ['SIGTERM', 'SIGINT'],
          ignoresHangup: false,
          onFinish: () => {
            if (grace > 0) printer.note(endingText(grace))
            ending.abort()
          },
          onOver: () => {
            printer.note(overText(savedSince, grace))
          },
        })
        if (!existsSync(folder)) printer.note(`${folder} does not exist yet. The watch waits for it.`)
        await using hook = await savedHook(options, { printer, signal })
        const { unsaved } = await watchFolder(store, folder, {
          ...adoptionOf(options),
          until: ending.signal,
          signal,
          onEvent: (event) => {
            printAdoption(printer, `watching ${folder}`, event)
            if (event.type !== 'adopted') return
            hook.saved(event.saved)
            if (ending.signal.aborted) savedSince.push(event.saved.step)
          },
        })
        printer.note(endedText(savedSince, unsaved))
        const mirror = await store.mirror?.flush({ limit: longestWait, newestFirst: true, signal })
        if (mirror !== undefined && mirror.waiting.length > 0) printer.note(mirrorText(mirror, new Date()))
        const [first] = unsaved
        return first === undefined ? exitCodes.done : exitCodeOf(first.error.code)
      },
      { mirror: 'no wait' },
    ),
})

/** Milliseconds that a watch waits for the mirror at its end. Its grace is usually shorter. */
const longestWait = 7 * 86_400_000

function endingText(grace: number): string {
  return `Complete checkpoints are saved first, for at most ${formatDuration(grace)}. A second signal stops the watch.`
}

/** Says what the watch saved before its grace was over. */
function overText(saved: readonly number[], grace: number): string {
  return `The ${formatDuration(grace)} are over. ${savedText(saved)} What is not saved by now is saved by the next watch of the folder.`
}

/** Says what the watch saved between a signal and its end in order. */
function endedText(saved: readonly number[], unsaved: readonly Unsaved[]): string {
  const rest =
    unsaved.length === 0
      ? 'The watch has ended.'
      : `Not saved: ${unsaved.map(({ name }) => name).join(', ')}.`
  return `${savedText(saved)} ${rest}`
}

function savedText(steps: readonly number[]): string {
  return steps.length === 0
    ? 'Nothing was saved since the signal.'
    : `Saved since the signal: ${stepsText(steps)}.`
}
