/** A result that is known before the work has ended. It only counts once `ended` has resolved. */
export interface EarlyResult<Result> {
  readonly result: Result
  readonly ended: Promise<unknown>
}

/** Begins work, and returns its result as soon as the work reports it or ends. */
export type Begin = <Result>(
  work: (report: (result: Result) => void) => Promise<Result>,
) => Promise<EarlyResult<Result>>

/**
 * Runs pieces of work that overlap: `run` begins a piece when it knows the result of the piece before. Settles once all pieces
 * have ended, also after a failure. If several pieces fail, the call rejects with the failure of the one that began first,
 * because the failures of the others follow from it.
 */
export async function overlapping<Result>(run: (begin: Begin) => Promise<Result>): Promise<Result> {
  const pieces: Promise<unknown>[] = []
  const begin: Begin = async <Piece>(work: (report: (result: Piece) => void) => Promise<Piece>) => {
    const early = Promise.withResolvers<Piece>()
    const ended = work(early.resolve)
    ended.then(early.resolve, early.reject)
    pieces.push(ended)
    return early.promise.then((result) => ({ result, ended }))
  }
  const whole = run(begin)
  await Promise.allSettled([whole])
  await Promise.allSettled(pieces)
  for (const piece of pieces) await piece
  return whole
}
