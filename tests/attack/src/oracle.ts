import { keepLast, type Operation, type Outcome } from './operations.ts'

/** A checkpoint as the store lists it. */
export interface ListedCheckpoint {
  /** The id of the operation that saved the checkpoint. */
  readonly id: string
  readonly pinned: boolean
}

/** An operation with the times of its start and its end, by a logical clock. */
interface TimedOperation {
  readonly operation: Operation
  readonly started: number
  /** `Infinity` while the operation may still take effect. */
  readonly ended: number
  readonly outcome: Outcome
}

type Content = Extract<Operation, { kind: 'save' | 'replace' }>

/**
 * Records the operations that actors started and that the store acknowledged. Decides which checkpoints a store must
 * list, may list and must not list, for every possible order of concurrent operations. It does not depend on how a
 * store works.
 */
export class Oracle {
  readonly #operations = new Map<string, TimedOperation>()
  /** Operations of dead actors whose last requests may still reach the store. */
  #lingering: string[] = []
  #clock = 0

  start(operation: Operation): void {
    this.#operations.set(operation.id, {
      operation,
      started: this.#tick(),
      ended: Infinity,
      outcome: 'unknown',
    })
  }

  end(id: string, outcome: Outcome): void {
    const timed = this.#operations.get(id)
    if (timed !== undefined) this.#operations.set(id, { ...timed, ended: this.#tick(), outcome })
  }

  /** Records that all actors are dead. Requests that are in flight now have arrived by the next call. */
  recordDeaths(): void {
    const now = this.#tick()
    for (const id of this.#lingering) {
      const timed = this.#operations.get(id)
      if (timed !== undefined) this.#operations.set(id, { ...timed, ended: Math.min(timed.ended, now) })
    }
    this.#lingering = [...this.#operations].flatMap(([id, { ended }]) => (ended === Infinity ? [id] : []))
  }

  count(kind: Operation['kind'] | 'all', outcome?: Outcome): number {
    return [...this.#operations.values()].filter(
      (timed) =>
        (kind === 'all' || timed.operation.kind === kind) && (outcome ?? timed.outcome) === timed.outcome,
    ).length
  }

  /** Returns the faults of a list of checkpoints. `keepsAll`: retention deletes nothing during the campaign. */
  judge(listed: ReadonlyMap<number, ListedCheckpoint>, keepsAll: boolean): readonly string[] {
    return [...this.#wronglyListed(listed), ...this.#missing(listed, keepsAll)]
  }

  #wronglyListed(listed: ReadonlyMap<number, ListedCheckpoint>): readonly string[] {
    return [...listed].flatMap(([step, { id }]) => {
      const timed = this.#operations.get(id)
      if (timed === undefined || !isContentOf(timed.operation, step))
        return [`step ${step} has the bytes of ${id}, which did not save this step`]
      if (timed.outcome === 'refused')
        return [`step ${step} was saved by ${id}, but the store rejected that operation`]
      const later = this.#contentOperations(step).find(
        (other) => other.outcome === 'acknowledged' && other.started > timed.ended,
      )
      return later === undefined
        ? []
        : [`step ${step} was saved by ${id}, but ${later.operation.id} replaced or deleted it later`]
    })
  }

  #missing(listed: ReadonlyMap<number, ListedCheckpoint>, keepsAll: boolean): readonly string[] {
    const best = this.#best()
    return [...this.#operations.values()].flatMap((timed) => {
      const { operation } = timed
      if (
        timed.outcome !== 'acknowledged' ||
        !isContent(operation) ||
        this.#mayBeReplaced(timed, operation.step)
      )
        return []
      const found = listed.get(operation.step)
      const isPinned = this.#isPinned(operation.step, timed)
      if (isPinned && found?.pinned === false) return [`step ${operation.step} lost its pin`]
      if (found?.id === operation.id) return []
      const reason = keepsAll
        ? 'retention keeps everything'
        : isPinned
          ? 'it is pinned'
          : best.has(operation.step)
            ? `it is the best by ${best.get(operation.step) ?? ''}`
            : this.#mayBeSavedAfter(timed) < keepLast
              ? `it is among the last ${keepLast}`
              : undefined
      return reason === undefined
        ? []
        : [
            `step ${operation.step}, saved by ${operation.id}, is lost, but must be kept because ${reason}. ` +
              this.#storyOf(operation.step),
          ]
    })
  }

  /** Returns all operations on a step, each with its times and its outcome. */
  #storyOf(step: number): string {
    return [...this.#operations.values()]
      .filter(({ operation }) => stepOf(operation) === step)
      .map(
        ({ operation, started, ended, outcome }) =>
          `${operation.kind} ${operation.id} from ${started} to ${ended}: ${outcome}`,
      )
      .join(', ')
  }

  /** Whether another operation on the step may have replaced or deleted the checkpoint of this operation. */
  #mayBeReplaced(timed: TimedOperation, step: number): boolean {
    return this.#contentOperations(step).some(
      (other) =>
        other.operation.id !== timed.operation.id &&
        other.outcome !== 'refused' &&
        other.ended > timed.started,
    )
  }

  #isPinned(step: number, saved: TimedOperation): boolean {
    const onStep = [...this.#operations.values()].filter(
      ({ operation }) => 'step' in operation && operation.step === step,
    )
    return onStep.some(
      (pin) =>
        pin.operation.kind === 'pin' &&
        pin.outcome === 'acknowledged' &&
        pin.started > saved.ended &&
        !onStep.some(
          (unpin) =>
            unpin.operation.kind === 'unpin' && unpin.outcome !== 'refused' && unpin.ended > pin.started,
        ),
    )
  }

  /** Returns the steps that are the best of an objective, for every outcome of operations with an unknown outcome. */
  #best(): ReadonlyMap<number, string> {
    const best = new Map<number, string>()
    let lowest: { readonly loss: number; readonly timed: TimedOperation; readonly step: number } | undefined
    let highest:
      | { readonly accuracy: number; readonly timed: TimedOperation; readonly step: number }
      | undefined
    for (const timed of this.#operations.values()) {
      const { operation, outcome } = timed
      if (outcome === 'refused') continue
      if (isContent(operation) && operation.loss < (lowest?.loss ?? Infinity))
        lowest = { loss: operation.loss, timed, step: operation.step }
      if (operation.kind === 'attach' && operation.accuracy > (highest?.accuracy ?? -Infinity))
        highest = { accuracy: operation.accuracy, timed, step: operation.step }
    }
    if (lowest?.timed.outcome === 'acknowledged') best.set(lowest.step, 'loss')
    if (highest?.timed.outcome === 'acknowledged' && !this.#mayBeReplaced(highest.timed, highest.step))
      best.set(highest.step, 'accuracy')
    return best
  }

  /** Number of steps whose saves may follow this one in the order of saves. */
  #mayBeSavedAfter(timed: TimedOperation): number {
    const known = this.#knownBy(timed)
    const steps = [...this.#operations.values()].flatMap(({ operation, outcome, ended }) =>
      isContent(operation) &&
      outcome !== 'refused' &&
      operation.step !== stepOf(timed.operation) &&
      !known(operation, ended)
        ? [operation.step]
        : [],
    )
    return new Set(steps).size
  }

  /**
   * Returns whether an actor knew an operation when it began its own. It knew what had ended before its first operation, and
   * what it did itself. The order of saves goes by what their writers knew.
   */
  #knownBy({ operation: own, started }: TimedOperation): (operation: Operation, ended: number) => boolean {
    const actor = actorOf(own)
    const firstStart = Math.min(
      ...[...this.#operations.values()].flatMap((other) =>
        actorOf(other.operation) === actor ? [other.started] : [],
      ),
    )
    return (operation, ended) => ended < firstStart || (actorOf(operation) === actor && ended < started)
  }

  #contentOperations(step: number): readonly TimedOperation[] {
    return [...this.#operations.values()].filter(
      ({ operation }) =>
        isContentOf(operation, step) || (operation.kind === 'delete' && operation.step === step),
    )
  }

  #tick(): number {
    this.#clock += 1
    return this.#clock
  }
}

/** The identity of an operation begins with that of its actor. */
function actorOf({ id }: Operation): string {
  return id.split('.', 1)[0] ?? id
}

function stepOf(operation: Operation): number | undefined {
  return 'step' in operation ? operation.step : undefined
}

function isContent(operation: Operation): operation is Content {
  return operation.kind === 'save' || operation.kind === 'replace'
}

function isContentOf(operation: Operation, step: number): operation is Content {
  return isContent(operation) && operation.step === step
}
