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
 * Groups files that follow each other in the list and in a pack, so that one request reads them. Files that are not in a pack,
 * and those that are too large to be in memory, are omitted. Of other bytes between them, at most as many are read as the
 * files have.
 */
export function planReads(files: readonly ManifestFile[]): readonly PackRead[] {
  const reads: { object: string; start: number; end: number; wanted: number; files: PackedFile[] }[] = []
  for (const file of files) {
    if (!isPacked(file) || file.size > mostBytes) continue
    const { object, offset, size } = file
    const end = offset + size
    const last = reads.at(-1)
    const fits =
      last?.object === object &&
      offset >= last.end &&
      end - last.start <= mostBytes &&
      end - last.start <= mostOverhead * (last.wanted + size)
    if (fits) {
      last.end = end
      last.wanted += size
      last.files.push(file)
    } else {
      reads.push({ object, start: offset, end, wanted: size, files: [file] })
    }
  }
  return reads
}

function isPacked(file: ManifestFile): file is PackedFile {
  return file.offset !== undefined
}
