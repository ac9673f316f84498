import { readPickle } from './pickle.ts'
import { PickleError } from './pickled.ts'
import { headerLength, lengthBytes, parseHeader } from './safetensors.ts'
import { tensorsIn } from './torch.ts'
import { ZipStream } from './zip-stream.ts'

/** A tensor of a file, without its numbers. */
export interface TensorFacts {
  /** Its name in a safetensors file, or the keys that lead to it in a torch file, joined by dots. */
  readonly name: string
  /** The type of its numbers in the words of the format, such as `F32` (safetensors) or `float32` (torch). */
  readonly type: string
  readonly shape: readonly number[]
}

/** The tensors that a file describes. */
export type TensorList =
  | { readonly format: 'safetensors' | 'torch'; readonly tensors: readonly TensorFacts[] }
  /** The file contradicts its own format, or ends too early. */
  | { readonly format: 'malformed'; readonly why: string }
  /** The file is neither a safetensors file nor an uncompressed file of `torch.save`. */
  | { readonly format: 'unknown' }

/** The largest pickle to read, in bytes. Tensors are stored outside of it. */
const maxPickleBytes = 64 * 2 ** 20

const unknown: TensorList = { format: 'unknown' }

/**
 * Reads the tensors that the beginning of a file describes, and stops there: the numbers of the tensors are not read.
 * Executes no part of a file.
 */
export class TensorListReader {
  #start: Uint8Array = new Uint8Array()
  #reader: ListReader | undefined

  /** Takes the next bytes. Returns the list once it is known. */
  update(bytes: Uint8Array): TensorList | undefined {
    if (this.#reader !== undefined) return this.#reader.update(bytes)
    this.#start = Buffer.concat([this.#start, bytes])
    if (this.#start.byteLength <= lengthBytes) return undefined
    this.#reader = readerFor(this.#start)
    return this.#reader.update(this.#start)
  }

  /** Returns the list of a file that has no more bytes. */
  finish(): TensorList {
    return this.#reader?.finish() ?? unknown
  }
}

interface ListReader {
  update(bytes: Uint8Array): TensorList | undefined
  finish(): TensorList
}

function readerFor(start: Uint8Array): ListReader {
  if (Buffer.from(start.subarray(0, 4)).equals(Buffer.from('PK\x03\x04'))) return new TorchReader()
  const length = headerLength(start)
  if (length !== undefined) return new SafetensorsReader(length)
  return { update: () => unknown, finish: () => unknown }
}

class SafetensorsReader implements ListReader {
  readonly #end: number
  readonly #chunks: Uint8Array[] = []
  #bytes = 0

  constructor(headerLength: number) {
    this.#end = lengthBytes + headerLength
  }

  update(bytes: Uint8Array): TensorList | undefined {
    this.#chunks.push(Uint8Array.from(bytes.subarray(0, this.#end - this.#bytes)))
    this.#bytes += bytes.byteLength
    if (this.#bytes < this.#end) return undefined
    const entries = parseHeader(Buffer.concat(this.#chunks).subarray(lengthBytes))
    if ('fault' in entries) return { format: 'malformed', why: entries.fault }
    const tensors = entries.map(({ name, dtype, shape }) => ({ name, type: dtype, shape }))
    return { format: 'safetensors', tensors }
  }

  finish(): TensorList {
    return { format: 'malformed', why: 'it ends before its header does' }
  }
}

/** A file of `torch.save` is a zip file whose first record, `NAME/data.pkl`, describes the tensors. */
class TorchReader implements ListReader {
  readonly #zip = new ZipStream({
    begin: (name) => {
      if (name.slice(name.indexOf('/') + 1) !== 'data.pkl') this.#list ??= unknown
      return undefined
    },
    content: (bytes) => {
      this.#bytes += bytes.byteLength
      if (this.#bytes > maxPickleBytes) this.#list ??= unknown
      else if (this.#list === undefined) this.#pickle.push(Uint8Array.from(bytes))
    },
    end: () => {
      this.#list ??= listOf(Buffer.concat(this.#pickle))
    },
    endArchive: () => undefined, // the first record is enough
  })
  readonly #pickle: Uint8Array[] = []
  #bytes = 0
  #list: TensorList | undefined

  update(bytes: Uint8Array): TensorList | undefined {
    this.#zip.update(bytes)
    return this.#list ?? (this.#zip.fault === undefined ? undefined : unknown)
  }

  finish(): TensorList {
    return { format: 'malformed', why: 'it ends in the middle of its first record' }
  }
}

function listOf(pickle: Uint8Array): TensorList {
  try {
    const { tensors } = tensorsIn(readPickle(pickle))
    return {
      format: 'torch',
      tensors: tensors.map(({ name, type, shape }) => ({ name, type: type.name, shape })),
    }
  } catch (error) {
    if (error instanceof PickleError) return unknown
    throw error
  }
}
