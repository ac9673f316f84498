/** How many files of any size are transferred at once. */
const largeFilesAtOnce = 4

/** Total size in bytes of the small files that are transferred at once. Large files buffer more than this. */
const smallBytesAtOnce = 2 ** 22

/**
 * Returns how many files of these sizes (in bytes) to transfer at once.
 *
 * Small files mostly wait for the store to answer, so more of them run at once: up to `most`, as far as the largest
 * file allows. An unknown size counts as large.
 */
export function filesAtOnce(sizes: readonly (number | undefined)[], most: number): number {
  const largest = sizes.reduce<number>((found, size = Infinity) => Math.max(found, size), 1)
  return Math.max(largeFilesAtOnce, Math.min(most, Math.floor(smallBytesAtOnce / largest)))
}
