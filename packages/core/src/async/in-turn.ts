import { throwIfAborted } from '../errors.ts'

/** The place of a task among the tasks that run at once. */
export interface Turn {
  /** Fires if an earlier task fails, and when the iteration ends early. */
  readonly signal: AbortSignal
  /** Whether earlier tasks were running when this one began. */
  readonly joins: boolean
  /** Resolves when all earlier tasks have succeeded. Rejects with `ABORTED` if the signal has fired. */
  readonly comes: () => Promise<void>
}

interface Running<Item, Result> {
  readonly item: Item
  readonly result: Promise<Result>
  readonly stop: AbortController
}

/**
 * Runs a task for every item, and yields the results in the order of the items. `mayJoin` decides whether the task of the next
 * item begins while earlier ones run. A task waits for its turn before it does what must happen in order.
 *
 * A failure is thrown in the place of its result. When the iteration ends, early or not, the signals of running tasks fire, and
 * the iteration waits until all have ended.
 */
export async function* inTurn<Item, Result>(
  items: Iterable<Item>,
  mayJoin: (running: readonly Item[], next: Item) => boolean,
  signal: AbortSignal | undefined,
  task: (item: Item, turn: Turn) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const running: Running<Item, Result>[] = []
  const waiting = items[Symbol.iterator]()
  let upcoming = waiting.next()
  const failures: unknown[] = []
  let earlier: Promise<void> = Promise.resolve()

  function begin(item: Item): void {
    const stop = new AbortController()
    const ownSignal = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
    const before = earlier
    const joins = running.length > 0
    const comes = async (): Promise<void> => {
      await before
      throwIfAborted(ownSignal, 'The wait for an earlier task')
    }
    const begun = { item, stop, result: task(item, { signal: ownSignal, joins, comes }) }
    running.push(begun)
    const settled = begun.result.catch((error: unknown) => {
      failures.push(error)
      // A task that is awaited is no longer in the list, and all that are in it are later ones.
      for (const later of running.slice(running.indexOf(begun) + 1)) later.stop.abort(error)
    })
    // Refers to no task that has ended, however many follow.
    earlier = settled.then(() => before)
  }

  try {
    for (;;) {
      while (upcoming.done !== true && failures.length === 0) {
        const items = running.map(({ item }) => item)
        if (items.length > 0 && !mayJoin(items, upcoming.value)) break
        begin(upcoming.value)
        upcoming = waiting.next()
      }
      const first = running.shift()
      if (first === undefined) return
      yield await first.result
    }
  } finally {
    for (const { stop } of running) stop.abort()
    await Promise.allSettled(running.map(({ result }) => result))
  }
}
