/** How many files of any size are transferred at once. */
const largeFilesAtOnce = 4

/** Total size in bytes of the small files that are transferred at once. Large files buffer more than this. */
const smallBytesAtOnce = 2 ** 22

/**
 * Returns how many files of these sizes (in bytes) to transfer at once.
 *
 * Transfers of small files mostly wait for responses, so up to `most` of them run at once. The largest file reduces
 * that number. An unknown size counts as large.
 */
export function filesAtOnce(sizes: readonly (number | undefined)[], most: number): number {
  const largest = sizes.reduce<number>((found, size = Infinity) => Math.max(found, size), 1)
  return Math.max(largeFilesAtOnce, Math.min(most, Math.floor(smallBytesAtOnce / largest)))
}
