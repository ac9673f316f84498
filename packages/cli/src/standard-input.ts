import { addAbortSignal, type Readable } from 'node:stream'
import { HoldfastError } from '@holdfast/core'
import { abortedError, fromNodeError } from '@holdfast/core/backend'

/**
 * Resolves with standard input once its first bytes have arrived. Rejects with `INVALID_ARGUMENT` if it is empty, because
 * then the program that writes it has most likely failed.
 */
export async function standardInput(
  signal: AbortSignal,
  open: () => Readable = () => process.stdin,
): Promise<AsyncGenerator<Uint8Array>> {
  const chunks = chunksOf(open, signal)
  const first = await chunks.next()
  if (first.done === true) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      'Standard input is empty, so nothing was saved. Check the program that writes it.',
    )
  }
  return startingWith(first.value, chunks)
}

async function* chunksOf(open: () => Readable, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    const input: AsyncIterable<Uint8Array> = addAbortSignal(signal, open())
    for await (const chunk of input) if (chunk.byteLength > 0) yield chunk
  } catch (error) {
    if (signal.aborted) throw abortedError(signal, 'Reading standard input')
    throw fromNodeError(error, 'reading standard input')
  }
}

async function* startingWith<Item>(first: Item, others: AsyncGenerator<Item>): AsyncGenerator<Item> {
  yield first
  yield* others
}
