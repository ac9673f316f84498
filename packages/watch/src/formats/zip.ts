import type { Contents } from '../folder/contents.ts'

const endSignature = 0x06054b50
const end64LocatorSignature = 0x07064b50
const end64Signature = 0x06064b50
const entrySignature = 0x02014b50
const localSignature = 0x04034b50
const endBytes = 22
const maxCommentBytes = 0xffff
/** The largest directory in bytes. No checkpoint has a larger one. */
const maxDirectoryBytes = 2 ** 28
/** The number of local headers to check: enough to find a hole, and few enough for a large archive. */
const maxLocalHeaders = 64

/** Returns whether a file begins like a zip archive. */
export function isZip(start: Uint8Array): boolean {
  return start.byteLength >= 4 && viewOf(start).getUint32(0, true) === localSignature
}

/**
 * Returns the missing part of a zip archive. Returns `undefined` if the end record closes the file, and the directory
 * and the entries are where the records state. Unpacks no entry.
 */
export async function missingOfZip(
  contents: Contents,
  file: string,
  size: number,
): Promise<string | undefined> {
  const tailStart = Math.max(0, size - endBytes - maxCommentBytes)
  const tail = await contents.read(file, tailStart, size - tailStart)
  const directory = await directoryOf(contents, file, tail, tailStart)
  if (directory === undefined) return 'the end record of the zip archive'
  const { offset, bytes, entries } = directory
  if (offset + bytes > size || bytes > maxDirectoryBytes) return 'the directory of the zip archive'
  const listed = offsetsIn(await contents.read(file, offset, bytes), entries)
  if (listed === undefined) return 'the directory of the zip archive'
  const stride = Math.max(1, Math.ceil(listed.length / maxLocalHeaders))
  for (const start of listed.filter((_, index) => index % stride === 0 || index === listed.length - 1)) {
    if (start === undefined) continue // an extra field, which the directory covers, has the offset
    const header = await contents.read(file, start, 4)
    if (start >= offset || header.byteLength < 4 || viewOf(header).getUint32(0, true) !== localSignature)
      return 'an entry of the zip archive'
  }
  return undefined
}

interface Directory {
  readonly offset: number
  readonly bytes: number
  readonly entries: number
}

async function directoryOf(
  contents: Contents,
  file: string,
  tail: Uint8Array,
  tailStart: number,
): Promise<Directory | undefined> {
  const view = viewOf(tail)
  for (let at = tail.byteLength - endBytes; at >= 0; at -= 1) {
    if (view.getUint32(at, true) !== endSignature) continue
    if (at + endBytes + view.getUint16(at + 20, true) !== tail.byteLength) continue
    const entries = view.getUint16(at + 10, true)
    const bytes = view.getUint32(at + 12, true)
    const offset = view.getUint32(at + 16, true)
    const isLarge = entries === 0xffff || bytes === 0xffffffff || offset === 0xffffffff
    return isLarge ? largeDirectory(contents, file, tailStart + at - 20) : { entries, bytes, offset }
  }
  return undefined
}

/** Returns the directory of an archive beyond 4 GiB or 65,535 entries, by the locator at `at`. */
async function largeDirectory(contents: Contents, file: string, at: number): Promise<Directory | undefined> {
  if (at < 0) return undefined
  const locator = viewOf(await contents.read(file, at, 20))
  if (locator.byteLength < 20 || locator.getUint32(0, true) !== end64LocatorSignature) return undefined
  const end = viewOf(await contents.read(file, Number(locator.getBigUint64(8, true)), 56))
  if (end.byteLength < 56 || end.getUint32(0, true) !== end64Signature) return undefined
  return {
    entries: Number(end.getBigUint64(32, true)),
    bytes: Number(end.getBigUint64(40, true)),
    offset: Number(end.getBigUint64(48, true)),
  }
}

/**
 * Returns where each entry begins, with `undefined` for an entry beyond 4 GiB. Returns `undefined` if the bytes are not
 * a directory with this number of entries.
 */
function offsetsIn(directory: Uint8Array, entries: number): readonly (number | undefined)[] | undefined {
  const view = viewOf(directory)
  const offsets: (number | undefined)[] = []
  for (let at = 0; at < directory.byteLength; ) {
    if (at + 46 > directory.byteLength || view.getUint32(at, true) !== entrySignature) break
    const offset = view.getUint32(at + 42, true)
    offsets.push(offset === 0xffffffff ? undefined : offset)
    at += 46 + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
  }
  return offsets.length === entries ? offsets : undefined
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
