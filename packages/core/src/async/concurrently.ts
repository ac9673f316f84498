/**
 * Runs a task for every item, at most `limit` at once, and returns the results in the order of the items.
 *
 * After the first failure, no further task starts. The signal that running tasks received fires, and the call
 * rejects with the first error once all of them have settled, so that no work continues after the call.
 */
export async function concurrently<Item, Result>(
  items: readonly Item[],
  limit: number,
  signal: AbortSignal | undefined,
  task: (item: Item, signal: AbortSignal) => Promise<Result>,
): Promise<readonly Result[]> {
  const stop = new AbortController()
  const combined = signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal])
  const results = new Map<number, Result>()
  const queue = items.entries()
  const failures: unknown[] = []
  const work = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failures.length > 0) return
      try {
        results.set(index, await task(item, combined))
      } catch (error) {
        failures.push(error)
        stop.abort(error)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, work))
  if (failures.length > 0) throw failures[0]
  return [...results.entries()].sort(([one], [other]) => one - other).map(([, result]) => result)
}
