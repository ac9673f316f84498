/** What an actor does to the store. `id` is unique within a campaign. */
export type Operation =
  /** `loss` is the metric that the save brings. */
  | { readonly kind: 'save' | 'replace'; readonly id: string; readonly step: number; readonly loss: number }
  | { readonly kind: 'attach'; readonly id: string; readonly step: number; readonly accuracy: number }
  | { readonly kind: 'delete' | 'pin' | 'unpin'; readonly id: string; readonly step: number }
  | { readonly kind: 'open' | 'prune' | 'sweep' | 'repair' | 'verify' | 'restore'; readonly id: string }

/**
 * `refused`: the store rejected the operation and promises that nothing changed. `unknown`: the operation may have
 * happened.
 */
export type Outcome = 'acknowledged' | 'refused' | 'unknown'

/** What an actor reports to the campaign. It waits until a report is on its way before it goes on. */
export type Report =
  | { readonly when: 'begins'; readonly operation: Operation }
  | { readonly when: 'ended'; readonly id: string; readonly outcome: Outcome }
  /** The store broke a promise in front of this actor. */
  | { readonly when: 'violated'; readonly what: string }

export function isReport(value: unknown): value is Report {
  return typeof value === 'object' && value !== null && 'when' in value
}

/** How the actors of one campaign use their store. */
export interface Manner {
  readonly url: string
  readonly mode: 'exclusive' | 'shared'
  /** Whether retention goes by age, which no wrong clock may turn into a loss. */
  readonly keepsByAge: boolean
  /** Milliseconds after which work of shared writers may be declared dead. */
  readonly gracePeriod: number
}

/** How many of the latest checkpoints each save keeps. */
export const keepLast = 5

/** Longer than any campaign: a policy by age keeps every checkpoint. */
export const keepWithin = '6 h'
