import { HoldfastError } from '@holdfast/core'
import { expandHome } from '@holdfast/core/backend'
import type { AdoptionOptions, CustomLayout, LayoutName } from '@holdfast/watch'
import { parseSeconds } from '../parsing/arguments.ts'
import { flag, gather, option, type OptionsOf, text } from '../declare/declaration.ts'

/** Options of the commands that adopt checkpoints of another program. */
export const adoptionOptions = {
  layout: option('<name>', 'the format of the checkpoints, such as torch; recognised by default', text),
  pattern: option('<path>', 'a format of your own, such as "step_{step}/" or "e{epoch}_{loss}.dat"', text),
  completeWhen: option('<file>', 'with --pattern: the file that the program writes last', text),
  quietPeriod: option('<seconds>', 'for how long a checkpoint must not change; default: 2', parseSeconds),
  metricsFrom: option('<csv>', 'a file with metrics and a column "step" or "name"', text),
  tag: option('<tag>', 'a tag for each checkpoint; may be repeated', gather),
  consume: flag("delete the program's files once the store has committed them"),
}

/** Returns the options of the library for those of the command line. The library checks the name of a layout. */
export function adoptionOf(
  options: OptionsOf<typeof adoptionOptions>,
): Pick<AdoptionOptions, 'layout' | 'quietPeriod' | 'metricsFile' | 'tags' | 'consume'> {
  const { quietPeriod, metricsFrom, tag, consume } = options
  const metricsFile = metricsFrom === undefined ? undefined : expandHome(metricsFrom)
  return { layout: layoutOf(options), quietPeriod, metricsFile, tags: tag, consume }
}

function layoutOf({
  layout,
  pattern,
  completeWhen,
}: OptionsOf<typeof adoptionOptions>): LayoutName | 'auto' | CustomLayout {
  if (pattern === undefined) {
    if (completeWhen !== undefined) throw invalid('--complete-when needs --pattern.')
    return (layout ?? 'auto') as LayoutName | 'auto'
  }
  if (layout !== undefined) throw invalid('Pass either --layout or --pattern.')
  return { pattern, completeWhen }
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
