import { readPickle } from './pickle.ts'
import { PickleError } from './pickled.ts'
import { headerLength, lengthBytes, parseHeader } from './safetensors.ts'
import { tensorsIn, type TorchContents } from './torch.ts'
import { ZipStream } from './zip-stream.ts'

/** A tensor of a file, without its numbers. */
export interface TensorFacts {
  /**
   * Its name in a safetensors file, or the keys that lead to it in a torch file, joined by dots. If the file has several
   * archives, the number of the archive comes first.
   */
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
 * Reads the tensors that a file describes. The numbers of the tensors are not needed, and can be skipped. Executes no part of a
 * file.
 */
export class TensorListReader {
  readonly #archives: 'first' | 'all'
  #start: Uint8Array = new Uint8Array()
  #reader: ListReader | undefined

  /**
   * `archives` is `all` for a file in which several archives of `torch.save` may follow each other. The list of such a file is
   * known at its end only.
   */
  constructor(archives: 'first' | 'all' = 'first') {
    this.#archives = archives
  }

  /** Takes the next bytes. Returns the list once it is known. */
  update(bytes: Uint8Array): TensorList | undefined {
    if (this.#reader !== undefined) return this.#reader.update(bytes)
    this.#start = Buffer.concat([this.#start, bytes])
    if (this.#start.byteLength <= lengthBytes) return undefined
    this.#reader = this.#readerFor(this.#start)
    return this.#reader.update(this.#start)
  }

  /** Skips at most this many of the next bytes, as far as the list does not need them. Returns how many it skipped. */
  skip(most: number): number {
    return this.#reader?.skip(most) ?? 0
  }

  /** Returns the list of a file that has no more bytes. */
  finish(): TensorList {
    return this.#reader?.finish() ?? unknown
  }

  #readerFor(start: Uint8Array): ListReader {
    if (Buffer.from(start.subarray(0, 4)).equals(Buffer.from('PK\x03\x04')))
      return this.#archives === 'all' ? new ArchivesReader() : new TorchReader()
    const length = headerLength(start)
    if (length !== undefined) return new SafetensorsReader(length)
    return { update: () => unknown, skip: () => 0, finish: () => unknown }
  }
}

interface ListReader {
  update(bytes: Uint8Array): TensorList | undefined
  skip(most: number): number
  finish(): TensorList
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

  skip(): number {
    return 0
  }

  finish(): TensorList {
    return { format: 'malformed', why: 'it ends before its header does' }
  }
}

/** A file of `torch.save` is a zip file whose first record, `NAME/data.pkl`, describes the tensors. */
class TorchReader implements ListReader {
  #list: TensorList | undefined
  readonly #archives = new ArchivesReader((tensors) => {
    this.#list = { format: 'torch', tensors }
  })

  update(bytes: Uint8Array): TensorList | undefined {
    const failed = this.#archives.update(bytes)
    return this.#list ?? failed
  }

  skip(): number {
    return 0
  }

  finish(): TensorList {
    return { format: 'malformed', why: 'it ends in the middle of its first record' }
  }
}

/** Reads the archives of `torch.save` that follow each other in a file, such as those of `torch.distributed.checkpoint`. */
class ArchivesReader implements ListReader {
  readonly #onArchive: ((tensors: readonly TensorFacts[]) => void) | undefined
  readonly #zip = new ZipStream({
    begin: (name) => this.#begin(name.slice(name.indexOf('/') + 1)),
    content: (bytes) => {
      if (this.#storages !== undefined || this.#isUnknown) return
      this.#pickleBytes += bytes.byteLength
      if (this.#pickleBytes > maxPickleBytes) this.#isUnknown = true
      else this.#pickle.push(Uint8Array.from(bytes))
    },
    end: () => {
      if (this.#storages === undefined && !this.#isUnknown) this.#readPickle()
    },
    endArchive: () => {
      this.#storages = undefined
      this.#archive += 1
    },
  })
  #archive = 0
  #pickle: Uint8Array[] = []
  #pickleBytes = 0
  /** The storages of the current archive; `undefined` until its pickle is read. */
  #storages: TorchContents['storages'] | undefined
  readonly #tensors: TensorFacts[] = []
  #isUnknown = false

  /** `onArchive` is called with the tensors of each archive once its pickle is read. */
  constructor(onArchive?: (tensors: readonly TensorFacts[]) => void) {
    this.#onArchive = onArchive
  }

  update(bytes: Uint8Array): TensorList | undefined {
    this.#zip.update(bytes)
    return this.#isUnknown || this.#zip.isForeign || this.#zip.fault !== undefined ? unknown : undefined
  }

  skip(most: number): number {
    return this.#storages === undefined ? 0 : this.#zip.skip(most)
  }

  finish(): TensorList {
    if (!this.#zip.isComplete) return { format: 'malformed', why: 'it ends in the middle of an archive' }
    return { format: 'torch', tensors: this.#tensors }
  }

  /** Returns the size of a record if the pickle, which is the first record, describes it. */
  #begin(name: string): number | undefined {
    if (this.#storages === undefined && name !== 'data.pkl') this.#isUnknown = true
    return name.startsWith('data/') ? this.#storages?.get(name.slice('data/'.length))?.bytes : undefined
  }

  #readPickle(): void {
    const pickle = Buffer.concat(this.#pickle)
    this.#pickle = []
    this.#pickleBytes = 0
    try {
      const { tensors, storages } = tensorsIn(readPickle(pickle))
      this.#storages = storages
      const facts = tensors.map(({ name, type, shape }) => ({ name, type: type.name, shape }))
      this.#onArchive?.(facts)
      for (const each of facts)
        this.#tensors.push({ ...each, name: `${this.#archive}${each.name === '' ? '' : '.'}${each.name}` })
    } catch (error) {
      if (!(error instanceof PickleError)) throw error
      this.#isUnknown = true
    }
  }
}
