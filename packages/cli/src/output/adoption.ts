import { type ErrorHint, formatSize, type HoldfastError } from '@holdfast/core'
import type { WatchEvent } from '@holdfast/watch'
import { withHint } from './hints.ts'
import type { Printer } from './printer.ts'
import { formatDuration, formatMetric, joined } from './text.ts'

/** Prints what a watch or an import of a folder does. */
export function printAdoption(printer: Printer, verb: string, event: WatchEvent): void {
  if (event.type === 'layout') {
    printer.line(joined(verb, event.title))
    printer.data({ ...event })
  } else if (event.type === 'adopted') printAdopted(printer, event)
  else if (event.type === 'failed') {
    const { name, error, retryIn } = event
    printer.note(`${name} could not be saved: ${explain(error)} Next try in ${formatDuration(retryIn)}.`)
    printer.data({ type: 'failed', name, code: error.code, message: explain(error), retryIn })
  } else if (event.type === 'notConsumed') {
    const { name, error, retryIn } = event
    const next = retryIn === undefined ? '' : ` Next try in ${formatDuration(retryIn)}.`
    printer.note(`${name} could not be deleted from the folder: ${explain(error)}${next}`)
    printer.data({ type: 'notConsumed', name, code: error.code, message: explain(error), retryIn })
  } else {
    printer.note(sentenceOf(event))
    printer.data({ ...event })
  }
}

/** Hints that name options of `save`, which a watch and an import do not have. */
const hintsOfSave: readonly (ErrorHint['kind'] | undefined)[] = ['exclude', 'replace', 'allow-best']

/** Returns why a checkpoint could not be saved, and the command or option that helps. */
export function explain(error: HoldfastError): string {
  return hintsOfSave.includes(error.hint?.kind) ? error.reason : withHint(error)
}

function printAdopted(
  printer: Printer,
  { name, saved }: Extract<WatchEvent, { readonly type: 'adopted' }>,
): void {
  printer.line(
    joined(
      `saved step ${saved.step}`,
      `${formatSize(saved.bytes)} in ${formatDuration(saved.duration)}`,
      name,
      ...Object.entries(saved.scores).map(([objective, value]) => `${objective} ${formatMetric(value)}`),
      saved.bestOf.length > 0 && `best ${saved.bestOf.join(', ')}`,
    ),
  )
  for (const { step, because } of saved.dropped) printer.line(joined(`dropped step ${step}`, because))
  for (const warning of saved.warnings) printer.note(warning)
  printer.data({ type: 'adopted', name, ...saved })
}

function sentenceOf(
  event: Exclude<WatchEvent, { readonly type: 'layout' | 'adopted' | 'failed' | 'notConsumed' }>,
): string {
  switch (event.type) {
    case 'known':
      return event.isListed
        ? `${event.name} is step ${event.step}, which is already saved.`
        : `${event.name} is step ${event.step}, which was saved before. The store has dropped it since.`
    case 'incomplete':
      return `${event.name} is not complete: waiting for ${event.missing}.`
    case 'changed':
      return `${event.name} changed while it was saved. Nothing was saved; the next scan tries again.`
    case 'passedOver':
      return `${event.name} is left out: ${event.reason}.`
    case 'omitted':
      return `${event.name} is saved without ${event.entries.join(', ')}. Links that lead nowhere or to a folder above, sockets, pipes and devices cannot be saved.`
    case 'noMetrics':
      return `${event.reason} Checkpoints are saved without its metrics.`
    case 'consumed':
      return `${event.name} is deleted from the folder.`
    case 'forgetful':
      return `What was saved from ${event.folder} could not be recorded there: ${event.reason} Until it is, a restart saves checkpoints again that the store has dropped.`
  }
}
