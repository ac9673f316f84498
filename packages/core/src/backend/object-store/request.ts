import { HoldfastError } from '../../errors.ts'
import type { CommitOutcome, ReadableObject } from '../backend.ts'
import { type RetryEvent, type RetryPolicy, withRetry } from '../retry.ts'

/** What a request is about, for messages and for whoever wants to stop it. */
export interface RequestInfo {
  /** The request in words, such as `Part 3 of data/x/model.pth`. */
  readonly what: string
  readonly key?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** What all requests to one store have in common. */
export interface RequestContext {
  readonly retry?: RetryPolicy | undefined
  readonly onRetry?: ((event: RetryEvent) => void) | undefined
  /** Turns what the SDK throws into the terms of the port. */
  readonly errorOf: (error: unknown, asked: RequestInfo) => HoldfastError
}

/** Makes one request, and makes it again while it fails for a passing reason. Rejects in the terms of the port. */
export async function request<Answer>(
  context: RequestContext,
  asked: RequestInfo,
  send: () => Promise<Answer>,
): Promise<Answer> {
  const { what, signal } = asked
  return withRetry(
    async () => {
      try {
        return await send()
      } catch (error) {
        throw context.errorOf(error, asked)
      }
    },
    { what, policy: context.retry, signal, onRetry: context.onRetry },
  )
}

/** A conditional request that creates an object with our bytes if it is absent, and how to tell its failures apart. */
export interface Creation {
  readonly bytes: Uint8Array
  /** Makes the request once. */
  create(): Promise<unknown>
  /** The store says that the object is there. */
  isThereAlready(error: unknown): boolean
  /** The request may have been carried out although it failed. */
  mayHaveHappened(error: unknown): boolean
  /** Reads what is there. */
  readonly read: () => Promise<ReadableObject>
}

/**
 * Creates an object if it is absent. Where an answer was lost the same request is made again: it creates, or finds
 * what stands there, which tells whether it was the first one. Rejects with `OUTCOME_UNKNOWN` when that cannot be
 * found out. Not stopped once a request is on its way, but between two.
 */
export async function createOnce(
  context: RequestContext,
  asked: RequestInfo,
  creation: Creation,
): Promise<CommitOutcome> {
  let lostAnswers = 0
  try {
    return await request(context, asked, async () => {
      try {
        await creation.create()
        return 'created'
      } catch (error) {
        if (creation.mayHaveHappened(error)) lostAnswers += 1
        if (!creation.isThereAlready(error)) throw error
        return lostAnswers > 0 && (await holdsOurs(creation)) ? 'created' : 'exists'
      }
    })
  } catch (error) {
    if (lostAnswers === 0) throw error
    const { key } = asked
    throw new HoldfastError('OUTCOME_UNKNOWN', `${asked.what} has an unknown outcome: its answer was lost.`, {
      key,
      url: error instanceof HoldfastError ? error.url : undefined,
      cause: error,
    })
  }
}

async function holdsOurs({ bytes, read }: Creation): Promise<boolean> {
  const { body } = await read()
  return Buffer.compare(Buffer.concat(await Array.fromAsync(body)), bytes) === 0
}
