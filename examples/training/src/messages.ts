/** A message from the training to its parent process. */
export type Message =
  | {
      readonly kind: 'resumed'
      readonly from: 'store' | 'mirror'
      readonly step: number
      readonly epoch: number
      /** Number of samples of the epoch that were already seen. */
      readonly position: number
      readonly bytes: number
    }
  | { readonly kind: 'saving'; readonly step: number; readonly bytes: number; readonly total: number }
  | {
      readonly kind: 'saved'
      readonly step: number
      readonly loss: number
      readonly accuracy: number
      readonly best: boolean
    }
  | { readonly kind: 'finished'; readonly steps: number; readonly accuracy: number; readonly sha256: string }

export function isMessage(value: unknown): value is Message {
  return typeof value === 'object' && value !== null && 'kind' in value
}
