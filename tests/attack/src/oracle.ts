import { keepLast, type Operation, type Outcome } from './operations.ts'

/** A checkpoint as the store lists it. */
export interface ListedCheckpoint {
  /** The operation that saved it. */
  readonly id: string
  readonly pinned: boolean
}

/** One operation, from its begin to its end by a logical clock. */
interface Act {
  readonly operation: Operation
  readonly begun: number
  /** `Infinity` while the operation may still take effect. */
  readonly ended: number
  readonly outcome: Outcome
}

type Content = Extract<Operation, { kind: 'save' | 'replace' }>

/**
 * Knows what every actor began and what the store acknowledged, and nothing of how a store works. Says what a store
 * must list, may list and must not list, whatever order concurrent operations took.
 */
export class Oracle {
  readonly #acts = new Map<string, Act>()
  /** Operations of dead actors. Their last requests may still be on their way. */
  #lingering: string[] = []
  #clock = 0

  begins(operation: Operation): void {
    this.#acts.set(operation.id, { operation, begun: this.#tick(), ended: Infinity, outcome: 'unknown' })
  }

  ends(id: string, outcome: Outcome): void {
    const act = this.#acts.get(id)
    if (act !== undefined) this.#acts.set(id, { ...act, ended: this.#tick(), outcome })
  }

  /** Every actor is dead. What was on its way now has arrived by the time of the next call. */
  allAreDead(): void {
    const now = this.#tick()
    for (const id of this.#lingering) {
      const act = this.#acts.get(id)
      if (act !== undefined) this.#acts.set(id, { ...act, ended: Math.min(act.ended, now) })
    }
    this.#lingering = [...this.#acts].flatMap(([id, { ended }]) => (ended === Infinity ? [id] : []))
  }

  count(kind: Operation['kind'] | 'all', outcome?: Outcome): number {
    return [...this.#acts.values()].filter(
      (act) => (kind === 'all' || act.operation.kind === kind) && (outcome ?? act.outcome) === act.outcome,
    ).length
  }

  /** What is wrong with a list of checkpoints. `keepsAll`: retention drops nothing during the campaign. */
  judge(listed: ReadonlyMap<number, ListedCheckpoint>, keepsAll: boolean): readonly string[] {
    return [...this.#wronglyListed(listed), ...this.#missing(listed, keepsAll)]
  }

  #wronglyListed(listed: ReadonlyMap<number, ListedCheckpoint>): readonly string[] {
    return [...listed].flatMap(([step, { id }]) => {
      const act = this.#acts.get(id)
      if (act === undefined || !isContentOf(act.operation, step)) return [`step ${step} has bytes of ${id}`]
      if (act.outcome === 'refused') return [`step ${step} is of ${id}, which was refused`]
      const later = this.#contentActs(step).find(
        (other) => other.outcome === 'acknowledged' && other.begun > act.ended,
      )
      return later === undefined
        ? []
        : [`step ${step} is of ${id}, although ${later.operation.id} came later`]
    })
  }

  #missing(listed: ReadonlyMap<number, ListedCheckpoint>, keepsAll: boolean): readonly string[] {
    const best = this.#best()
    return [...this.#acts.values()].flatMap((act) => {
      const { operation } = act
      if (act.outcome !== 'acknowledged' || !isContent(operation) || this.#mayBeReplaced(act, operation.step))
        return []
      const found = listed.get(operation.step)
      const isPinned = this.#isPinned(operation.step, act)
      if (isPinned && found?.pinned === false) return [`step ${operation.step} lost its pin`]
      if (found?.id === operation.id) return []
      const reason = keepsAll
        ? 'retention keeps everything'
        : isPinned
          ? 'it is pinned'
          : best.has(operation.step)
            ? `it is the best by ${best.get(operation.step) ?? ''}`
            : this.#savedAfter(operation.step) < keepLast
              ? `it is among the last ${keepLast}`
              : undefined
      return reason === undefined
        ? []
        : [`step ${operation.step} of ${operation.id} is lost, although ${reason}`]
    })
  }

  /** Whether another operation on the step may have come after this one. */
  #mayBeReplaced(act: Act, step: number): boolean {
    return this.#contentActs(step).some(
      (other) =>
        other.operation.id !== act.operation.id && other.outcome !== 'refused' && other.ended > act.begun,
    )
  }

  #isPinned(step: number, saved: Act): boolean {
    const acts = [...this.#acts.values()].filter(
      ({ operation }) => 'step' in operation && operation.step === step,
    )
    return acts.some(
      (pin) =>
        pin.operation.kind === 'pin' &&
        pin.outcome === 'acknowledged' &&
        pin.begun > saved.ended &&
        !acts.some(
          (unpin) =>
            unpin.operation.kind === 'unpin' && unpin.outcome !== 'refused' && unpin.ended > pin.begun,
        ),
    )
  }

  /** Steps that are the best of an objective, whatever became of operations with an unknown outcome. */
  #best(): ReadonlyMap<number, string> {
    const best = new Map<number, string>()
    let lowest: { readonly loss: number; readonly act: Act; readonly step: number } | undefined
    let highest: { readonly accuracy: number; readonly act: Act; readonly step: number } | undefined
    for (const act of this.#acts.values()) {
      const { operation, outcome } = act
      if (outcome === 'refused') continue
      if (isContent(operation) && operation.loss < (lowest?.loss ?? Infinity))
        lowest = { loss: operation.loss, act, step: operation.step }
      if (operation.kind === 'attach' && operation.accuracy > (highest?.accuracy ?? -Infinity))
        highest = { accuracy: operation.accuracy, act, step: operation.step }
    }
    if (lowest?.act.outcome === 'acknowledged') best.set(lowest.step, 'loss')
    if (highest?.act.outcome === 'acknowledged' && !this.#mayBeReplaced(highest.act, highest.step))
      best.set(highest.step, 'accuracy')
    return best
  }

  #savedAfter(step: number): number {
    const later = [...this.#acts.values()].flatMap(({ operation, outcome }) =>
      isContent(operation) && outcome !== 'refused' && operation.step > step ? [operation.step] : [],
    )
    return new Set(later).size
  }

  #contentActs(step: number): readonly Act[] {
    return [...this.#acts.values()].filter(
      ({ operation }) =>
        isContentOf(operation, step) || (operation.kind === 'delete' && operation.step === step),
    )
  }

  #tick(): number {
    this.#clock += 1
    return this.#clock
  }
}

function isContent(operation: Operation): operation is Content {
  return operation.kind === 'save' || operation.kind === 'replace'
}

function isContentOf(operation: Operation, step: number): operation is Content {
  return isContent(operation) && operation.step === step
}
