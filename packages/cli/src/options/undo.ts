import { option } from '../declare/declaration.ts'
import { duration } from '../parsing/quantities.ts'

/** How long a deletion can be undone. */
export const undoForOption = option(
  '<duration>',
  'keep the files this long for holdfast undo, such as 1d; default: the grace of the retention',
  duration,
)
