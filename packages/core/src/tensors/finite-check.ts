import { NonFiniteSearch } from './non-finite.ts'
import { type FloatFormat, safetensorsFormats } from './number-formats.ts'
import { readPickle } from './pickle.ts'
import { PickleError } from './pickled.ts'
import { headerLength, lengthBytes, parseHeader } from './safetensors.ts'
import { tensorsIn, type TorchContents } from './torch.ts'
import { ZipStream } from './zip-stream.ts'

/** The result of the check of a file. */
export type FiniteVerdict =
  /** Every number of every tensor in a known format is finite. */
  | { readonly kind: 'finite'; readonly tensors: number }
  /** A number is NaN or infinite. `index` counts the numbers of the tensor. */
  | { readonly kind: 'not finite'; readonly tensor: string; readonly index: number }
  /** The file contradicts its own format, or ends too early. */
  | { readonly kind: 'malformed'; readonly why: string }
  /** The format is unknown, so nothing was checked. */
  | { readonly kind: 'unknown format' }

/** The largest pickle to read, in bytes. Tensors are stored outside of it. */
const maxPickleBytes = 64 * 2 ** 20

/** A check that continues with each piece of a file. */
interface Check {
  update(bytes: Uint8Array): void
  finish(): FiniteVerdict
}

/**
 * Checks the bytes of a file, in order, for tensors with NaN or infinity. Reads safetensors files and uncompressed
 * files of `torch.save`. Executes no part of a file.
 */
export class FiniteCheck {
  #start: Uint8Array = new Uint8Array()
  #check: Check | undefined

  update(bytes: Uint8Array): void {
    if (this.#check !== undefined) {
      this.#check.update(bytes)
      return
    }
    this.#start = Buffer.concat([this.#start, bytes])
    if (this.#start.byteLength <= lengthBytes) return
    this.#check = checkFor(this.#start)
    this.#check.update(this.#start)
    this.#start = new Uint8Array()
  }

  finish(): FiniteVerdict {
    return this.#check?.finish() ?? { kind: 'unknown format' }
  }
}

function checkFor(start: Uint8Array): Check {
  if (Buffer.from(start.subarray(0, 4)).equals(Buffer.from('PK\x03\x04'))) return new TorchCheck()
  const length = headerLength(start)
  return length === undefined ? unknownFormat : new SafetensorsCheck(length)
}

const unknownFormat: Check = {
  update: () => undefined,
  finish: () => ({ kind: 'unknown format' }),
}

/** The bytes of a tensor in its file or storage. */
interface Range {
  readonly name: string
  readonly begin: number
  readonly end: number
  readonly format: FloatFormat
}

/** Searches ranges of bytes that arrive in order. Ranges may overlap. */
class RangeSearch {
  readonly #waiting: Range[]
  #active: { readonly range: Range; readonly search: NonFiniteSearch }[] = []
  #at = 0
  found: { readonly tensor: string; readonly index: number } | undefined

  constructor(ranges: readonly Range[]) {
    this.#waiting = ranges.toSorted((one, other) => other.begin - one.begin)
  }

  update(bytes: Uint8Array): void {
    const end = this.#at + bytes.byteLength
    for (
      let next = this.#waiting.at(-1);
      next !== undefined && next.begin < end;
      next = this.#waiting.at(-1)
    ) {
      this.#waiting.pop()
      this.#active.push({ range: next, search: new NonFiniteSearch(next.format) })
    }
    for (const { range, search } of this.#active) {
      search.update(bytes.subarray(Math.max(0, range.begin - this.#at), range.end - this.#at))
      if (range.end <= end) this.#conclude(range, search)
    }
    this.#active = this.#active.filter(({ range }) => range.end > end)
    this.#at = end
  }

  /** Whether every range has ended. */
  get isFinished(): boolean {
    return this.#waiting.length === 0 && this.#active.length === 0
  }

  #conclude({ name }: Range, search: NonFiniteSearch): void {
    const index = search.finish()
    if (index !== undefined) this.found ??= { tensor: name, index }
  }
}

class SafetensorsCheck implements Check {
  readonly #headerEnd: number
  #header: Uint8Array[] = []
  #headerBytes = 0
  #search: RangeSearch | undefined
  #tensors = 0
  #dataBytes = 0
  #wantedBytes = 0
  #fault: string | undefined

  constructor(headerLength: number) {
    this.#headerEnd = lengthBytes + headerLength
  }

  update(bytes: Uint8Array): void {
    const rest = this.#headerBytes < this.#headerEnd ? this.#readHeader(bytes) : bytes
    this.#dataBytes += rest.byteLength
    this.#search?.update(rest)
  }

  finish(): FiniteVerdict {
    if (this.#fault !== undefined) return { kind: 'malformed', why: this.#fault }
    if (this.#headerBytes < this.#headerEnd)
      return { kind: 'malformed', why: 'it ends before its header does' }
    if (this.#search?.found !== undefined) return { kind: 'not finite', ...this.#search.found }
    if (this.#dataBytes !== this.#wantedBytes)
      return {
        kind: 'malformed',
        why: `its header describes ${this.#wantedBytes} bytes of data, but it has ${this.#dataBytes}`,
      }
    return { kind: 'finite', tensors: this.#tensors }
  }

  /** Returns the bytes after the header. */
  #readHeader(bytes: Uint8Array): Uint8Array {
    const taken = bytes.subarray(0, this.#headerEnd - this.#headerBytes)
    this.#header.push(Uint8Array.from(taken))
    this.#headerBytes += taken.byteLength
    if (this.#headerBytes === this.#headerEnd) this.#begin(Buffer.concat(this.#header).subarray(lengthBytes))
    return bytes.subarray(taken.byteLength)
  }

  #begin(header: Uint8Array): void {
    this.#header = []
    const entries = parseHeader(header)
    if ('fault' in entries) {
      this.#fault = entries.fault
      return
    }
    this.#wantedBytes = entries.at(-1)?.end ?? 0
    const ranges = entries.flatMap(({ dtype, ...range }) => {
      const format = safetensorsFormats.get(dtype)
      return format === undefined ? [] : [{ ...range, format }]
    })
    this.#tensors = ranges.length
    this.#search = new RangeSearch(ranges)
  }
}

class TorchCheck implements Check {
  readonly #zip = new ZipStream({
    begin: (name) => this.#beginRecord(name),
    content: (bytes) => {
      this.#content(bytes)
    },
    end: () => {
      this.#endRecord()
    },
    endArchive: () => {
      this.#endArchive()
    },
  })
  /** The contents of the current archive, and the keys of its storages that have not come yet. */
  #contents: TorchContents | undefined
  #missing = new Set<string>()
  /** The number of tensors of all archives that have ended; `undefined` if there is none. */
  #tensors: number | undefined
  #pickle: Uint8Array[] | undefined
  #pickleBytes = 0
  #search: RangeSearch | undefined
  #found: { readonly tensor: string; readonly index: number } | undefined
  #isUnknown = false
  /** Whether the file also has tensors that this check cannot read. */
  #isUncertain = false
  #fault: string | undefined

  update(bytes: Uint8Array): void {
    if (!this.#isUnknown) this.#zip.update(bytes)
  }

  finish(): FiniteVerdict {
    if (this.#found !== undefined) return { kind: 'not finite', ...this.#found }
    if (this.#isUnknown || this.#isUncertain || this.#zip.isForeign) return { kind: 'unknown format' }
    const why = this.#fault ?? this.#zip.fault
    if (why !== undefined) return { kind: 'malformed', why }
    if (!this.#zip.isComplete) return { kind: 'malformed', why: 'it ends in the middle of a record' }
    return this.#tensors === undefined
      ? { kind: 'unknown format' }
      : { kind: 'finite', tensors: this.#tensors }
  }

  /** A file of `torch.save` begins with `NAME/data.pkl`, and the storages `NAME/data/KEY` follow. */
  #beginRecord(name: string): number | undefined {
    const path = name.slice(name.indexOf('/') + 1)
    if (this.#contents === undefined) {
      if (path !== 'data.pkl') this.#isUnknown = true
      this.#pickle = []
      return undefined
    }
    if (!path.startsWith('data/')) return undefined
    const key = path.slice('data/'.length)
    this.#missing.delete(key)
    this.#search = this.#searchOf(key, this.#contents)
    return this.#contents.storages.get(key)?.bytes
  }

  #searchOf(key: string, { tensors }: TorchContents): RangeSearch {
    const ranges = tensors.flatMap(({ name, storage, begin, end, type: { format } }) =>
      storage === key && format !== undefined && end > begin ? [{ name, begin, end, format }] : [],
    )
    const distinct = new Map(ranges.map((range) => [`${range.begin} ${range.end}`, range]))
    return new RangeSearch([...distinct.values()])
  }

  #content(bytes: Uint8Array): void {
    if (this.#pickle === undefined) {
      this.#search?.update(bytes)
      return
    }
    this.#pickleBytes += bytes.byteLength
    if (this.#pickleBytes > maxPickleBytes) this.#isUnknown = true
    else this.#pickle.push(Uint8Array.from(bytes))
  }

  #endRecord(): void {
    this.#found ??= this.#search?.found
    if (this.#search?.isFinished === false) this.#fault ??= 'a tensor lies beyond the end of its storage'
    this.#search = undefined
    if (this.#pickle === undefined) return
    const pickle = Buffer.concat(this.#pickle)
    this.#pickle = undefined
    if (this.#isUnknown) return
    try {
      this.#contents = tensorsIn(readPickle(pickle))
      this.#missing = new Set(this.#contents.storages.keys())
      if (!this.#contents.isComplete) this.#isUncertain = true
    } catch (error) {
      if (!(error instanceof PickleError)) throw error
      this.#isUnknown = true
    }
  }

  #endArchive(): void {
    if (this.#contents === undefined) return
    const [missing] = this.#missing
    if (missing !== undefined) this.#fault ??= `its storage ${missing} is missing`
    this.#tensors =
      (this.#tensors ?? 0) + this.#contents.tensors.filter(({ type }) => type.format !== undefined).length
    this.#contents = undefined
  }
}
