import type { ManifestFile } from '../../../catalog/documents/index.ts'

/** Files that lie together in a pack and are read by one request. */
export interface PackRead {
  /** The pack, relative to the attempt. */
  readonly object: string
  readonly start: number
  /** The end of the last file, exclusive. */
  readonly end: number
  readonly files: readonly PackedFile[]
}

export type PackedFile = ManifestFile & { readonly offset: number }

/** Maximum number of bytes to read by one request. They are in memory together. */
const mostBytes = 4 * 2 ** 20

/** The largest number of bytes to read for each byte of a file that is wanted. */
const mostOverhead = 2

/**
 * The files of a read lie within this many bytes of the list. So reads whose files alternate hold at most twice as many wanted
 * bytes together, however many packs there are.
 */
const mostListedBytes = 8 * 2 ** 20

/** A read that may get more files. */
interface OpenRead extends PackRead {
  end: number
  readonly files: PackedFile[]
  /** Bytes of its files. */
  wanted: number
  /** Bytes of the files that the list has before its first file. */
  readonly listedBefore: number
}

/**
 * Groups files that follow each other in a pack, so that one request reads them. The packs of several ranks may alternate in
 * the list. Files that are in no pack are omitted, and so are files that are too large to be in memory. Of other bytes between
 * files, at most as many are read as the files have. The reads are in the order of their first files.
 */
export function planReads(files: readonly ManifestFile[]): readonly PackRead[] {
  const reads: OpenRead[] = []
  const latestOf = new Map<string, OpenRead>()
  let listed = 0
  for (const file of files) {
    if (!isPacked(file) || file.size > mostBytes) continue
    const { object, offset, size } = file
    const end = offset + size
    const latest = latestOf.get(object)
    if (latest !== undefined && fits(file, latest, listed)) {
      latest.end = end
      latest.wanted += size
      latest.files.push(file)
    } else {
      const read: OpenRead = { object, start: offset, end, wanted: size, listedBefore: listed, files: [file] }
      reads.push(read)
      latestOf.set(object, read)
    }
    listed += size
  }
  return reads
}

/** Whether a read may get one more file, before which the list has `listed` bytes. */
function fits(
  { offset, size }: PackedFile,
  { start, end, wanted, listedBefore }: OpenRead,
  listed: number,
): boolean {
  const bytes = offset + size - start
  return (
    offset >= end &&
    bytes <= mostBytes &&
    bytes <= mostOverhead * (wanted + size) &&
    listed + size - listedBefore <= mostListedBytes
  )
}

function isPacked(file: ManifestFile): file is PackedFile {
  return file.offset !== undefined
}
