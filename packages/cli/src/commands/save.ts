import { basename, resolve } from 'node:path'
import { type ExpectedStream, type FileContent, HoldfastError, type SaveRequest } from '@holdfast/core'
import { longestTimer } from '@holdfast/core/backend'
import {
  parseEpoch,
  parseMeta,
  parseMetric,
  parsePackMode,
  parseSeconds,
  parseStep,
  parseUnchangedMode,
} from '../parsing/arguments.ts'
import { defineCommand } from '../declare/command.ts'
import {
  flag,
  gather,
  negatableFlag,
  option,
  optionalArgument,
  requiredOption,
  text,
} from '../declare/declaration.ts'
import { onSavedOption, savedHook } from '../hooks/on-saved.ts'
import { type ExitCode, exitCodes } from '../exit-codes.ts'
import { mirrorSaved } from '../output/mirror.ts'
import { withBar } from '../output/progress.ts'
import { printSaved } from '../output/saved.ts'
import { formatDuration } from '../output/text.ts'
import { retentionOptions } from '../options/retention.ts'
import { metadataOf, readDataState } from '../parsing/json-values.ts'
import { defaultGrace } from '../signals/interruption.ts'
import { separateWords, streamedInput, streamedInputOptions } from '../streams/streamed-input.ts'
import { withForgottenRanks } from '../ranks/forgotten-ranks.ts'
import { chosenRanks, joinTimeoutOption, ranksOptions, saveTimeoutOption } from '../ranks/options.ts'
import { type CommandContext, withStore } from '../with-store.ts'

export const save = defineCommand({
  example:
    'holdfast save out/checkpoint.pth --step 42 --metric val_loss=0.183 --keep-last 5 --keep-best val_loss:min',
  whenStopped: (options) =>
    chosenRanks(options) === undefined
      ? 'Nothing was saved.'
      : 'The other ranks may still commit the step. Run holdfast ls to see whether it is saved.',
  arguments: [optionalArgument('[file...]', 'files and folders, or - for standard input', gather)],
  options: {
    step: requiredOption('<n>', 'the number of the checkpoint, such as the epoch or the batch', parseStep),
    epoch: option('<n>', 'the epoch of the checkpoint, such as 42 or 2.5', parseEpoch),
    metric: option('<name=value>', 'a metric, such as val_loss=0.183; may be repeated', parseMetric),
    tag: option('<tag>', 'a tag, for ls --tag and --keep-tag; may be repeated', gather),
    meta: option('<name=value>', 'metadata as JSON or text; may be repeated', parseMeta),
    dataState: option('<json|@file>', 'the position in the data; show and restore return it', text),
    name: option('<name>', 'the name of standard input among the files; default: stdin', text),
    exclude: option(
      '<glob>',
      'leave out files and folders, as .holdfastignore does; may be repeated',
      gather,
    ),
    replace: flag('replace the step if it exists; refused if it is pinned or the best'),
    allowBest: flag('let --replace replace the best of an objective'),
    requireFinite: flag('refuse tensors with NaN or infinity in safetensors and torch files'),
    packs: option(
      '<mode>',
      'store small files together: auto, always or never; default: auto',
      parsePackMode,
    ),
    unchanged: option(
      '<mode>',
      'how to store a file that has not changed: auto (an object store copies it), link (on a disk it shares its bytes), never (store it again); default: auto',
      parseUnchangedMode,
    ),
    grace: option('<seconds>', 'after SIGTERM, the save has this time to finish; default: 25', parseSeconds),
    wait: negatableFlag(
      'wait until the mirror has the checkpoint (default)',
      'do not wait for the mirror; copy --follow, run, or a later save without --no-wait copies to it',
    ),
    onSaved: onSavedOption,
    ...streamedInputOptions,
    ...retentionOptions,
    ...ranksOptions,
    joinTimeout: joinTimeoutOption,
    saveTimeout: saveTimeoutOption,
  },
  run: async ({ arguments: [words = []], options, signal, interruption, trailing }) => {
    const ranks = chosenRanks(options)
    if (words.length === 0 && ranks === undefined) throw noFiles()
    const { files: paths, command } = separateWords(words, trailing, options)
    const run = async ({ store, printer, progress }: CommandContext): Promise<ExitCode> => {
      if (ranks !== undefined && ranks.ranks.memberFile === undefined) printer.note(joinsAlone)
      const { step, epoch, metric, tag, meta, dataState, grace = defaultGrace, replace = false } = options
      interruption.finishWithin({
        milliseconds: Math.min(grace, longestTimer),
        after: ['SIGTERM'],
        ignoresHangup: true,
        onFinish: () => {
          if (grace === 0) return
          printer.note(
            `Terminated: the save of step ${step} has ${formatDuration(grace)} to finish. A second signal stops it.`,
          )
        },
      })
      await using input = paths.includes('-')
        ? await streamedInput(command, options, interruption)
        : undefined
      await using hook = await savedHook(options, { printer, signal })
      const request: SaveRequest = {
        step,
        epoch,
        files: filesByName(paths, input, options.name),
        exclude: options.exclude,
        metrics: metric,
        tags: tag,
        metadata: meta === undefined ? undefined : metadataOf(meta),
        dataState: dataState === undefined ? undefined : await readDataState(dataState),
        onExisting: replace ? 'replace' : 'fail',
        allowBest: options.allowBest,
        requireFinite: options.requireFinite,
        packs: options.packs,
        unchanged: options.unchanged,
        startedAt: new Date(performance.timeOrigin),
        signal,
      }
      const saved = await withBar(progress(`saving step ${step}`), (onProgress) =>
        store.save({ ...request, onProgress }),
      ).catch((error: unknown) => {
        throw ranks === undefined ? withForgottenRanks(error) : error
      })
      interruption.commit()
      printSaved(printer, saved)
      hook.saved(saved)
      interruption.commit(() => {
        if (store.mirror !== undefined) printer.note(stoppedWaiting(step, store.url, store.mirror.url))
        printer.data({ type: 'result', command: 'save', ...saved })
      })
      const mirror = await mirrorSaved(store, printer, progress, options.wait)
      interruption.commit()
      printer.data({ type: 'result', command: 'save', ...saved, mirror })
      return exitCodes.done
    }
    return withStore(options, signal, run, { ranks, mirror: options.wait === false ? 'no wait' : 'wait' })
  },
})

function stoppedWaiting(step: number, store: string, mirror: string): string {
  return `Stopped waiting for the mirror ${mirror}. Step ${step} is saved in ${store}. The next save or run copies it to the mirror.`
}

/** A command that joins by itself opens a term, so all ranks must run it together. */
const joinsAlone =
  'Without --member, each save joins the job again and waits until all ranks do. Pass --member FILE to holdfast restore and save.'

function noFiles(): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    'No file is given. Pass files or folders, or - for standard input. Only a rank of a job may save none.',
  )
}

function filesByName(
  paths: readonly string[],
  input: ExpectedStream | undefined,
  nameOfInput = 'stdin',
): Readonly<Record<string, FileContent>> {
  const files = new Map<string, FileContent>()
  for (const path of paths) {
    const name = path === '-' ? nameOfInput : basename(resolve(path))
    if (files.has(name)) {
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        `Two of the files are named ${name}. Save the folder that contains them, or rename one.`,
      )
    }
    files.set(name, path === '-' && input !== undefined ? input : path)
  }
  return Object.fromEntries(files)
}
