/** Files that are moved at once, however large they are. */
const largeFilesAtOnce = 4

/** Bytes of small files that are moved at once: fewer than large ones hold in memory. */
const smallBytesAtOnce = 2 ** 22

/**
 * How many files of these sizes are moved at once. Small ones mostly wait for an answer, so there are more of them:
 * `most`, or as many as fit by the largest. A size that is not known may be large.
 */
export function filesAtOnce(sizes: readonly (number | undefined)[], most: number): number {
  const largest = sizes.reduce<number>((found, size = Infinity) => Math.max(found, size), 1)
  return Math.max(largeFilesAtOnce, Math.min(most, Math.floor(smallBytesAtOnce / largest)))
}
