import { abortedError, throwIfAborted } from '../errors.ts'

/**
 * Waits for shared work. Rejects with `ABORTED` as soon as the signal fires, and does not stop the work. `what` names
 * the wait, such as `The save of step 3`.
 */
export async function orAborted<Result>(
  work: Promise<Result>,
  signal: AbortSignal | undefined,
  what: string,
): Promise<Result> {
  if (signal === undefined) return work
  throwIfAborted(signal, what)
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      reject(abortedError(signal, what))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', onAbort)
    })
  })
}
