/** An operation of an actor on the store. `id` is unique within a campaign. */
export type Operation =
  /** `loss` is a metric of the saved checkpoint. */
  | { readonly kind: 'save' | 'replace'; readonly id: string; readonly step: number; readonly loss: number }
  | { readonly kind: 'attach'; readonly id: string; readonly step: number; readonly accuracy: number }
  | { readonly kind: 'delete' | 'pin' | 'unpin'; readonly id: string; readonly step: number }
  | { readonly kind: 'open' | 'prune' | 'sweep' | 'repair' | 'verify' | 'restore'; readonly id: string }

/**
 * The outcome of an operation. `refused`: the store rejected the operation, and promises that nothing changed.
 * `unknown`: the operation may or may not have happened.
 */
export type Outcome = 'acknowledged' | 'refused' | 'unknown'

/** A message from an actor to the campaign. An actor continues only after its message is sent. */
export type Report =
  | { readonly when: 'started'; readonly operation: Operation }
  | { readonly when: 'ended'; readonly id: string; readonly outcome: Outcome }
  /** The actor observed that the store broke a promise. */
  | { readonly when: 'violated'; readonly what: string }

export function isReport(value: unknown): value is Report {
  return typeof value === 'object' && value !== null && 'when' in value
}

/** The settings with which the actors of a campaign use their store. */
export interface Settings {
  readonly url: string
  readonly mode: 'exclusive' | 'shared'
  /** Whether the actors use retention by age. Wrong clocks must not make such retention delete a checkpoint. */
  readonly keepsByAge: boolean
  /** Milliseconds after which work of shared writers may be declared dead. */
  readonly gracePeriod: number
}

/** Number of latest checkpoints that retention keeps. */
export const keepLast = 5

/** Age below which retention keeps every checkpoint. It is longer than any campaign, so nothing may be deleted. */
export const keepWithin = '6 h'
