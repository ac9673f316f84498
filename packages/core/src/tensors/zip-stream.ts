/** The callbacks of a `ZipStream` for each record, in the order of the file. */
export interface ZipRecords {
  /** A record begins. Returns its size in bytes if known, because most headers of records do not contain it. */
  begin(name: string): number | undefined
  /** Some bytes of the record. They are valid only during the call. */
  content(bytes: Uint8Array): void
  /** The record is complete. */
  end(): void
  /** The archive is complete. Another one may follow. */
  endArchive(): void
}

const localHeader = 0x04034b50
const headerBytes = 30
const directoryEntry = 0x02014b50
const largeEnd = 0x06064b50
const largeEndLocator = 0x07064b50
const archiveEnd = 0x06054b50
/** Flag of a record whose size follows its content, in a descriptor. */
const sizeFollows = 0x0008
const descriptorSignature = Buffer.from([0x50, 0x4b, 0x07, 0x08])
/** A signature, a checksum and two sizes. The sizes have 4 bytes each or, in large records, 8. */
const shortDescriptor = 16
const longDescriptor = 24
const unknownSize = 0xffffffff

/**
 * Reads the records of zip archives, one after the other, while their bytes arrive. Supports files as `torch.save` writes
 * them: no record is compressed, and the size of a record may follow its content. torch.distributed.checkpoint writes one such
 * archive after the other into a file. The format is that of https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
 */
export class ZipStream {
  readonly #records: ZipRecords
  /** The bytes of the last chunk that the next step needs together with the following bytes. */
  #rest: Uint8Array = new Uint8Array()
  #step: (bytes: Uint8Array) => number | undefined = (bytes) => this.#readHeader(bytes)
  /** The current record: the bytes that are left if its size is known, and those that have passed. */
  #left = 0
  #passed = 0
  #sizeFollows = false
  #fault: string | undefined
  /** Whether the last archive has ended, and no other one has begun. */
  #isBetween = false
  #isForeign = false

  constructor(records: ZipRecords) {
    this.#records = records
  }

  /** Why the records cannot be read; `undefined` while they can. */
  get fault(): string | undefined {
    return this.#fault
  }

  /** Whether every archive has ended. */
  get isComplete(): boolean {
    return this.#isBetween && this.#rest.byteLength === 0
  }

  /** Whether the file has bytes that belong to no archive. What follows them is not read. */
  get isForeign(): boolean {
    return this.#isForeign
  }

  update(chunk: Uint8Array): void {
    let bytes = this.#rest.byteLength === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (this.#fault === undefined && !this.#isForeign) {
      const taken = this.#step(bytes)
      if (taken === undefined) break
      bytes = bytes.subarray(taken)
    }
    // A copy, because the caller may reuse the memory of the chunk.
    this.#rest = this.#fault === undefined && !this.#isForeign ? Uint8Array.from(bytes) : new Uint8Array()
  }

  /** Skips at most this many of the next bytes, if they lie in a record of known size. Returns how many it skipped. */
  skip(most: number): number {
    const skipped = Math.min(this.#left, most)
    this.#left -= skipped
    this.#passed += skipped
    return skipped
  }

  // Each step returns how many bytes it has taken, or `undefined` if it needs more bytes.

  #readHeader(bytes: Uint8Array): number | undefined {
    if (bytes.byteLength < 4) return undefined
    const view = viewOf(bytes)
    if (view.getUint32(0, true) !== localHeader) return this.#readDirectory(view)
    if (bytes.byteLength < headerBytes) return undefined
    this.#isBetween = false
    const nameBytes = view.getUint16(26, true)
    const end = headerBytes + nameBytes + view.getUint16(28, true)
    if (bytes.byteLength < end) return undefined
    if (view.getUint16(8, true) !== 0) {
      this.#fail('a record is compressed')
      return
    }
    const name = Buffer.from(bytes.subarray(headerBytes, headerBytes + nameBytes)).toString('utf8')
    this.#sizeFollows = (view.getUint16(6, true) & sizeFollows) !== 0
    const known = this.#records.begin(name)
    const size = this.#sizeFollows ? known : view.getUint32(22, true)
    if (size === unknownSize) {
      this.#fail('a record of more than 4 GiB has its size before its content')
      return
    }
    this.#passed = 0
    this.#left = size ?? 0
    this.#step = size === undefined ? (more) => this.#passUnsized(more) : (more) => this.#passSized(more)
    return end
  }

  /** Skips the directory, which follows the records, and notes its end. */
  #readDirectory(view: DataView): number | undefined {
    const signature = view.getUint32(0, true)
    const end = this.#isBetween ? undefined : endInDirectory(signature, view)
    if (end === undefined) {
      this.#isForeign = true
      return undefined
    }
    if (view.byteLength < end) return undefined
    if (signature === archiveEnd) {
      this.#isBetween = true
      this.#records.endArchive()
    }
    return end
  }

  #passSized(bytes: Uint8Array): number | undefined {
    if (this.#left === 0) return this.#endRecord()
    if (bytes.byteLength === 0) return undefined
    return this.#pass(bytes.subarray(0, this.#left))
  }

  /** The record ends where a descriptor names exactly the size that has passed. */
  #passUnsized(bytes: Uint8Array): number | undefined {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const at = buffer.indexOf(descriptorSignature)
    if (at === -1) {
      const sure = bytes.byteLength - (descriptorSignature.byteLength - 1)
      return sure > 0 ? this.#pass(bytes.subarray(0, sure)) : undefined
    }
    if (at > 0) return this.#pass(bytes.subarray(0, at))
    if (bytes.byteLength < shortDescriptor) return undefined
    if (viewOf(bytes).getUint32(8, true) !== this.#passed % 2 ** 32) return this.#pass(bytes.subarray(0, 1))
    return this.#endRecord()
  }

  #pass(bytes: Uint8Array): number {
    this.#records.content(bytes)
    this.#passed += bytes.byteLength
    this.#left = Math.max(0, this.#left - bytes.byteLength)
    return bytes.byteLength
  }

  #endRecord(): number {
    this.#records.end()
    this.#step = this.#sizeFollows ? (more) => this.#readDescriptor(more) : (more) => this.#readHeader(more)
    return 0
  }

  #readDescriptor(bytes: Uint8Array): number | undefined {
    if (bytes.byteLength < shortDescriptor) return undefined
    const view = viewOf(bytes)
    const isSize = [8, 12].every((at) => view.getUint32(at, true) === this.#passed % 2 ** 32)
    if (
      !descriptorSignature.equals(bytes.subarray(0, 4)) ||
      view.getUint32(8, true) !== this.#passed % 2 ** 32
    ) {
      this.#fail('the size of a record differs from that in its pickle')
      return
    }
    if (!isSize && bytes.byteLength < longDescriptor) return undefined
    this.#step = (more) => this.#readHeader(more)
    return isSize ? shortDescriptor : longDescriptor
  }

  #fail(fault: string): undefined {
    this.#fault = fault
    return undefined
  }
}

/** Returns the size of a part of the directory, more bytes than there are if they do not tell, or `undefined` for anything else. */
function endInDirectory(signature: number, view: DataView): number | undefined {
  const has = (bytes: number): boolean => view.byteLength >= bytes
  switch (signature) {
    case directoryEntry:
      if (!has(46)) return Infinity
      return 46 + view.getUint16(28, true) + view.getUint16(30, true) + view.getUint16(32, true)
    case largeEnd:
      return has(12) ? 12 + Number(view.getBigUint64(4, true)) : Infinity
    case largeEndLocator:
      return 20
    case archiveEnd:
      return has(22) ? 22 + view.getUint16(20, true) : Infinity
    default:
      return undefined
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
