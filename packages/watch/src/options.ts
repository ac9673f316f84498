import { type Duration, HoldfastError } from '@holdfast/core'
import { durationOf, refuseUnknownOptions } from '@holdfast/core/backend'
import type { WatchClock } from './clock.ts'
import type { WatchEvent } from './events.ts'
import {
  type CustomLayout,
  customLayout,
  type Layout,
  type LayoutName,
  layoutNames,
  layouts,
} from './layouts/index.ts'

/** The options that watching and importing share. */
export interface AdoptionOptions {
  /**
   * The format of the checkpoints: a name, a pattern of your own, or a description. Default: `auto`, which recognises
   * every format but `numbered` by what it finds.
   */
  readonly layout?: LayoutName | 'auto' | CustomLayout | Layout | undefined
  /**
   * How long a checkpoint must not change after its format or its trainer shows that it is complete, such as `'10 s'`, or
   * milliseconds. Default: 2 seconds.
   */
  readonly quietPeriod?: Duration | undefined
  /** The same for checkpoints whose end nothing shows, such as numbered folders. Default: 30 seconds. */
  readonly longQuietPeriod?: Duration | undefined
  /**
   * A CSV file with metrics: a header, and a column `step` or `name` (the path of a checkpoint below the folder). Lines of
   * one step are merged, and empty cells are ignored. A file with a column `epoch` and checkpoints with names of Lightning
   * belong to its `CSVLogger`, which counts steps from 0. Read before each adoption. A watch saves checkpoints without these
   * metrics while the file is missing or cannot be used, and ignores a last line without a line break.
   */
  readonly metricsFile?: string | undefined
  /** Tags for every adopted checkpoint. */
  readonly tags?: readonly string[] | undefined
  /** Whether to delete the trainer's files after the store has committed them. Default: false. */
  readonly consume?: boolean | undefined
  readonly onEvent?: ((event: WatchEvent) => void) | undefined
  /** Called as bytes of a checkpoint are stored. */
  readonly onProgress?:
    | ((progress: {
        readonly name: string
        readonly bytes: number
        readonly total: number | undefined
      }) => void)
    | undefined
  /** Stops at once. A running save leaves nothing. */
  readonly signal?: AbortSignal | undefined
  /** For tests. */
  readonly clock?: WatchClock | undefined
}

export const adoptionOptions = [
  'layout',
  'quietPeriod',
  'longQuietPeriod',
  'metricsFile',
  'tags',
  'consume',
  'onEvent',
  'onProgress',
  'signal',
  'clock',
] as const satisfies readonly (keyof AdoptionOptions)[]

/** Throws `INVALID_ARGUMENT` for options that are misspelt or out of range. */
export function assertOptions(options: AdoptionOptions, known: readonly string[], what: string): void {
  refuseUnknownOptions(options, known, what)
  quietPeriodsOf(options)
}

/** For how many milliseconds a checkpoint must not change. */
export interface QuietPeriods {
  /** If its format or its trainer shows that it is complete. */
  readonly signalled: number
  /** If nothing shows that. */
  readonly unsignalled: number
}

/** Returns the quiet periods of the options, or their defaults. Throws `INVALID_ARGUMENT` if one of them is not a duration. */
export function quietPeriodsOf({ quietPeriod, longQuietPeriod }: AdoptionOptions): QuietPeriods {
  const signalled = durationOf('quietPeriod', quietPeriod ?? '2 s')
  const long = durationOf('longQuietPeriod', longQuietPeriod ?? '30 s')
  return { signalled, unsignalled: Math.max(signalled, long) }
}

/** `undefined` if the layout must be recognised. */
export function chosenLayout(layout: AdoptionOptions['layout'] = 'auto'): Layout | undefined {
  if (layout === 'auto') return undefined
  if (typeof layout === 'object') return 'read' in layout ? layout : customLayout(layout)
  if (Object.hasOwn(layouts, layout)) return layouts[layout]
  throw invalid(`There is no layout ${JSON.stringify(layout)}. Known: auto, ${layoutNames.join(', ')}.`)
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
