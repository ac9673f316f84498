import { HoldfastError, isHoldfastError } from '../../errors.ts'
import type { CommitOptions, CommitOutcome, ReadableObject } from '../backend.ts'
import { foreignAnswer } from './answers.ts'
import type { ObjectStore } from './object-store.ts'
import type { RequestInfo } from './request-info.ts'
import { requestWithRetry } from './request-with-retry.ts'

/** A conditional request that creates an object if it is absent, and how to classify its failures. */
export interface Creation {
  readonly bytes: Uint8Array
  /** Sends the request without retrying. */
  create(): Promise<Created>
  /** Returns whether the store reports that the object exists. */
  isThereAlready(error: unknown): boolean
  /** Reads the object at the key. */
  readonly read: () => Promise<ReadableObject>
  readonly onCreated?: CommitOptions['onCreated']
}

/** The response to a request that creates an object. */
export interface Created {
  readonly revision: string
  /** Whether only a store that holds the bytes can have sent the response. If not, the bytes are read back. */
  readonly isVerified: boolean
}

/**
 * Creates an object if it is absent. If a response is lost, the same request is sent again. It either creates the
 * object, or finds the object that exists. The bytes of that object show whether the first request created it. A
 * response that anyone could have sent is handled in the same way. Rejects with `OUTCOME_UNKNOWN` if the outcome cannot
 * be determined. A signal takes effect between two requests only.
 */
export async function createOnce(
  store: ObjectStore,
  info: RequestInfo,
  creation: Creation,
): Promise<CommitOutcome> {
  const { onCreated } = creation
  let uncertainAnswers = 0
  try {
    return await requestWithRetry(store, info, async () => {
      const answer = await answerTo(store, creation)
      if (answer.isUncertain) uncertainAnswers += 1
      if ('error' in answer) throw answer.error
      if (answer.created !== undefined && !answer.isUncertain) {
        onCreated?.(answer.created.revision)
        return 'created'
      }
      if (uncertainAnswers === 0) return 'exists'
      const standing = await readBack(creation)
      if (standing === undefined) throw createdNothing(info, answer.created !== undefined)
      if (!standing.isOurs) return 'exists'
      onCreated?.(standing.revision)
      return 'created'
    })
  } catch (error) {
    if (uncertainAnswers === 0) throw error
    const { key } = info
    throw new HoldfastError(
      'OUTCOME_UNKNOWN',
      `${info.what} has an unknown outcome: its response was lost, or the store failed.`,
      {
        key,
        url: error instanceof HoldfastError ? error.url : undefined,
        cause: error,
      },
    )
  }
}

type Answer =
  | { readonly isUncertain: boolean; readonly created: Created | undefined }
  | { readonly isUncertain: boolean; readonly error: unknown }

async function answerTo({ mayHaveHappened }: ObjectStore, creation: Creation): Promise<Answer> {
  try {
    const created = await creation.create()
    return { isUncertain: !created.isVerified, created }
  } catch (error) {
    const isUncertain = mayHaveHappened(error)
    return creation.isThereAlready(error) ? { isUncertain, created: undefined } : { isUncertain, error }
  }
}

/** Reads the object that exists. A failure is not retryable, since the read has already been retried. */
async function readBack({
  bytes,
  read,
}: Creation): Promise<{ readonly isOurs: boolean; readonly revision: string } | undefined> {
  try {
    const { stat, body } = await read()
    if (stat.size !== bytes.byteLength) {
      await body.cancel()
      return { isOurs: false, revision: stat.revision }
    }
    const there = Buffer.concat(await Array.fromAsync(body))
    return { isOurs: Buffer.compare(there, bytes) === 0, revision: stat.revision }
  } catch (error) {
    if (isHoldfastError(error, 'NOT_FOUND')) return undefined
    if (!isHoldfastError(error)) throw error
    const { code, message, key, url } = error
    throw new HoldfastError(code, message, { key, url, cause: error, retryable: false })
  }
}

/** Retryable only if a response claimed success. Otherwise another process has deleted the object. */
function createdNothing(info: RequestInfo, claimed: boolean): HoldfastError {
  if (claimed)
    return foreignAnswer(info, 'it reports that the object was created, but the object does not exist')
  const message = `${info.what} found that the object exists, but could not read it: it was deleted.`
  return new HoldfastError('UNAVAILABLE', message, { key: info.key, retryable: false })
}
