/**
 * Yields the items of a source in order, and requests up to `ahead` further items while the caller works on one.
 *
 * When the iteration ends, early or not, the signal that the source received fires, and the iteration waits until
 * the source has ended too.
 */
export async function* readAhead<Item>(
  begin: (signal: AbortSignal) => AsyncGenerator<Item, void, undefined>,
  ahead: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Item, void, undefined> {
  const stop = new AbortController()
  const source = begin(signal === undefined ? stop.signal : AbortSignal.any([signal, stop.signal]))
  const asked: Promise<IteratorResult<Item, void>>[] = []
  try {
    for (;;) {
      while (asked.length <= ahead) asked.push(quietly(source.next()))
      const next = await asked.shift()
      if (next === undefined || next.done === true) return
      yield next.value
    }
  } finally {
    stop.abort()
    await source.return()
  }
}

/** The caller that awaits the item gets its error. If no caller does, the error must not count as unhandled. */
function quietly<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => undefined)
  return promise
}
