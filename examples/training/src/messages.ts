/** What the training tells the process that started it. */
export type Message =
  | {
      readonly kind: 'resumed'
      readonly step: number
      readonly epoch: number
      /** How many samples of the epoch were seen. */
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
