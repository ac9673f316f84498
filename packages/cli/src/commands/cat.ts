import { type CheckpointStore, HoldfastError, isHoldfastError, parseChoice } from '@holdfast/core'
import { defineCommand } from '../declare/command.ts'
import { argument, negatableFlag, option, text } from '../declare/declaration.ts'
import { exitCodes } from '../exit-codes.ts'
import { requiredChoiceArgument } from '../options/checkpoint-arguments.ts'
import { writeBytes } from '../output/bytes.ts'
import { visibleLines } from '../output/visible.ts'
import { type ByteRange, parseRange, partOf, rangeIn } from '../parsing/byte-range.ts'
import { withStore } from '../with-store.ts'

export const cat = defineCommand({
  example: 'holdfast cat latest checkpoint.pth | sha256sum',
  whenStopped: 'The output is incomplete: do not use it.',
  arguments: [requiredChoiceArgument, argument('<file>', 'its name in the checkpoint', text)],
  options: {
    range: option(
      '<bytes>',
      'write only these bytes: 0-1023 (both included), 1024- or the last -512',
      parseRange,
    ),
    verify: negatableFlag(
      'read the file to its end and verify it (default)',
      'with --range: read only these bytes, and do not verify them',
    ),
  },
  run: async ({ arguments: [choice, name], options, signal }) => {
    const { range, verify = true } = options
    if (!verify && range === undefined) {
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        'Without --range, the whole file is read and verified. Pass --no-verify only with --range.',
      )
    }
    return withStore(options, signal, async ({ store, printer }) => {
      let written = 0
      try {
        const { size, sha256, body } = await open(store, parseChoice(choice), name, { range, verify, signal })
        const shown = process.stdout.isTTY ? onTerminal(body, name) : body
        const isComplete = await writeBytes(shown, (bytes) => {
          written += bytes
        })
        // Standard output has the bytes of the file.
        printer.dataBeside({
          type: 'result',
          command: 'cat',
          name,
          size,
          sha256,
          bytes: written,
          verified: verify && isComplete,
        })
        return exitCodes.done
      } catch (error) {
        throw written > 0 && isHoldfastError(error, 'CORRUPT') ? tooLate(error, written) : error
      }
    })
  },
})

interface OpenedFile {
  /** Size and digest of the whole file. */
  readonly size: number
  readonly sha256: string
  /** The bytes to write. */
  readonly body: AsyncIterable<Uint8Array>
}

async function open(
  store: CheckpointStore,
  choice: ReturnType<typeof parseChoice>,
  name: string,
  {
    range,
    verify,
    signal,
  }: {
    readonly range: ByteRange | undefined
    readonly verify: boolean
    readonly signal: AbortSignal
  },
): Promise<OpenedFile> {
  if (range === undefined || verify) {
    const file = await store.read(choice, name, { signal })
    return range === undefined ? file : { ...file, body: partOf(file.body, rangeIn(range, file.size, name)) }
  }
  if (range.kind === 'from') {
    const { start, end } = range
    return store.read(choice, name, { range: { start, end }, signal })
  }
  const found = await store.get(choice, { signal })
  const size = found?.files.find((file) => file.name === name)?.size ?? 0
  // If the file does not exist, this call rejects with the reason.
  return store.read(found?.step ?? choice, name, { range: rangeIn(range, size, name), signal })
}

/** The first bytes that decide whether a file is text. */
const looksAt = 8192

/** Yields text with escapes for what a terminal would act on. Throws `INVALID_ARGUMENT` for other files. */
async function* onTerminal(body: AsyncIterable<Uint8Array>, name: string): AsyncGenerator<Uint8Array> {
  const decoder = new TextDecoder()
  let isFirst = true
  for await (const chunk of body) {
    if (isFirst && chunk.subarray(0, looksAt).includes(0)) {
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        `${name} is not text, so it is not written to a terminal. Write it to a file (> FILE) or into a pipe (| xxd).`,
      )
    }
    isFirst = false
    yield Buffer.from(visibleLines(decoder.decode(chunk, { stream: true })))
  }
}

function tooLate(error: HoldfastError, written: number): HoldfastError {
  return new HoldfastError(
    'CORRUPT',
    `${error.reason}. Do not use the ${written} bytes that were written: only the end of a file shows that it is damaged.`,
    { cause: error },
  )
}
