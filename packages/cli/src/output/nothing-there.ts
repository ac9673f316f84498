import { HoldfastError, type Presence } from '@holdfast/core'

/** Returns the error for a missing checkpoint. It tells a missing store from an empty one. */
export function nothingThere(choice: string, url: string, presence: Presence): HoldfastError {
  return new HoldfastError('NOT_FOUND', `${whyNothing(choice, url, presence)} ${adviceFor[presence]}`)
}

/** Why there is no such checkpoint, as a sentence. */
export function whyNothing(choice: string, url: string, presence: Presence): string {
  if (presence === 'absent') return `There is no store at ${url}.`
  if (presence === 'empty') return `The store ${url} has no checkpoint yet.`
  const what = /^\d+$/.test(choice) ? `checkpoint of step ${choice}` : `${choice} checkpoint`
  return `There is no ${what} in ${url}.`
}

const adviceFor: Readonly<Record<Presence, string>> = {
  absent: 'Check its path or URL. The first save creates the store: holdfast save FILE --step 0.',
  empty: 'Save the first one with holdfast save FILE --step 0.',
  filled: 'List the checkpoints with holdfast ls.',
}
