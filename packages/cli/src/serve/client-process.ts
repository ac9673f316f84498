/** Milliseconds between two looks. */
const interval = 500

/**
 * Calls `onGone` once the client's process has ended. The end of the pipe is not enough: processes that the client has
 * forked may hold its ends. A client must be the parent of this process, whose parent changes when it ends.
 */
export function watchClient(process: number, parentOf: () => number, onGone: () => void): Disposable {
  const timer = setInterval(() => {
    if (parentOf() === process) return
    clearInterval(timer)
    onGone()
  }, interval)
  timer.unref()
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer)
    },
  }
}
