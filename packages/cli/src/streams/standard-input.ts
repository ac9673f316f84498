import { addAbortSignal, type Readable } from 'node:stream'
import { HoldfastError } from '@holdfast/core'
import { abortedError, fromNodeError } from '@holdfast/core/backend'

export interface StandardInputOptions {
  /** Whether no bytes at all are valid. Default: false. */
  readonly mayBeEmpty?: boolean
  readonly open?: () => Readable
}

/** A stream of bytes. Disposing releases the stream, also if it was not read to its end. */
export interface Input extends AsyncDisposable {
  readonly stream: AsyncIterable<Uint8Array>
}

/**
 * Resolves with standard input once its first bytes have arrived. Rejects with `INVALID_ARGUMENT` if it is empty, because
 * then the program that writes it has most likely failed.
 */
export async function standardInput(
  signal: AbortSignal,
  { mayBeEmpty = false, open = () => process.stdin }: StandardInputOptions = {},
): Promise<Input> {
  const input = opened(open)
  const chunks = readChunks(input, signal, 'reading standard input')
  return {
    stream: await nonEmpty(chunks, mayBeEmpty, 'Standard input is empty'),
    [Symbol.asyncDispose]: async () => {
      input.destroy()
    },
  }
}

/** Waits for the first bytes. Rejects with `INVALID_ARGUMENT` if there are none and none is not valid. */
export async function nonEmpty(
  chunks: AsyncGenerator<Uint8Array>,
  mayBeEmpty: boolean,
  fault: string,
): Promise<AsyncIterable<Uint8Array>> {
  if (mayBeEmpty) return chunks
  const first = await chunks.next()
  if (first.done === true) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `${fault}, so nothing was saved. Check the program that writes it.`,
    )
  }
  return startingWith(first.value, chunks)
}

/** Yields the bytes of a stream. Rejects with `ABORTED` if the signal fires. */
export async function* readChunks(
  stream: Readable,
  signal: AbortSignal,
  doing: string,
): AsyncGenerator<Uint8Array> {
  try {
    const input: AsyncIterable<Uint8Array> = addAbortSignal(signal, stream)
    for await (const chunk of input) if (chunk.byteLength > 0) yield chunk
  } catch (error) {
    if (signal.aborted) throw abortedError(signal, 'The save')
    throw fromNodeError(error, doing)
  }
}

/** Standard input may be closed. */
function opened(open: () => Readable): Readable {
  try {
    return open()
  } catch (error) {
    throw fromNodeError(error, 'reading standard input')
  }
}

async function* startingWith(
  first: Uint8Array,
  others: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield first
  yield* others
}
