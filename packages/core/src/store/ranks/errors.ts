import { HoldfastError } from '../../errors.ts'

export function notARank(url: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    'Only the ranks of a job join it. Open the store with ranks.',
    {
      url,
    },
  )
}

export function fencedByLaterStart(rank: number, url: string): HoldfastError {
  return new HoldfastError(
    'FENCED',
    `Rank ${rank} of this job was started again, so this process is no longer part of the job and can save nothing. ` +
      'Stop this process if the rank runs elsewhere.',
    { url, hint: { kind: 'join-job' } },
  )
}

export function fencedByOtherSize(size: number, url: string): HoldfastError {
  return new HoldfastError(
    'FENCED',
    `The job was started again with a number of ranks other than ${size}, so this process is no longer part of it. Stop this process.`,
    { url },
  )
}

export function superseded(term: number, url: string): HoldfastError {
  return new HoldfastError(
    'FENCED',
    `The job was started again after term ${term}, so this process is no longer part of it and can save nothing.`,
    { url, hint: { kind: 'join-job' } },
  )
}

export function fencedByOtherWriter(url: string): HoldfastError {
  return new HoldfastError(
    'FENCED',
    'Another writer has taken the store from this job, and nothing was changed. Stop that writer, and restart all ranks.',
    { url },
  )
}

/** The step is saved, or its save is under way. */
export function otherBytes(rank: number, step: number, url: string): HoldfastError {
  return new HoldfastError(
    'ALREADY_EXISTS',
    `Rank ${rank} has already stored its part of step ${step} with other bytes. Repeat the save with the same files, or save ` +
      'another step.',
    { url },
  )
}

/** A wait for other ranks that has ended without some of them. */
interface EndedWait {
  readonly missing: readonly number[]
  /** The number of all ranks. */
  readonly size: number
  /** What the missing ranks did not do, such as `did not join the job`. */
  readonly what: string
  /** Milliseconds of the wait. */
  readonly timeout: number
  readonly advice: string
  /** The limit of the wait. */
  readonly limit: 'join' | 'save'
  readonly url: string
}

export function incomplete({ missing, size, what, timeout, advice, limit, url }: EndedWait): HoldfastError {
  const ranks = namesOf(missing)
  return new HoldfastError(
    'INCOMPLETE',
    `${ranks.charAt(0).toUpperCase()}${ranks.slice(1)} of ${size} ${what} within ${timeText(timeout)}. ${advice}`,
    { url, hint: { kind: 'wait-longer', for: limit } },
  )
}

/** Names ranks, such as `ranks 2 and 5`. */
export function namesOf(ranks: readonly number[]): string {
  const named = ranks
    .slice(0, 20)
    .join(', ')
    .replace(/, (\d+)$/, ' and $1')
  const more = ranks.length > 20 ? ` and ${ranks.length - 20} more` : ''
  return ranks.length === 1 ? `rank ${named}` : `ranks ${named}${more}`
}

/** Returns `1 rank` or `8 ranks`. */
export function ranksText(size: number): string {
  return `${size} rank${size === 1 ? '' : 's'}`
}

export function timeText(milliseconds: number): string {
  const seconds = milliseconds / 1000
  return seconds < 120 ? `${Number(seconds.toFixed(1))} s` : `${Number((seconds / 60).toFixed(1))} min`
}
