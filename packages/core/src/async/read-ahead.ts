/**
 * Passes on what a source gives, in order, and has up to `ahead` items more on their way while the caller is busy
 * with one. When it ends, early or not, it tells the source by the signal and waits until that has ended too.
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

/** The error is for whoever waits for the item; when nobody does any more, it is for nobody. */
function quietly<Value>(promise: Promise<Value>): Promise<Value> {
  promise.catch(() => undefined)
  return promise
}
