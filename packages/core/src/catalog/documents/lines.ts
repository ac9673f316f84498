/** A line of a list, identified by its step. */
export interface Line {
  readonly step: number
}

/**
 * Returns the index of the first line after a step. The lines are in the order of steps. Skips lines before `start`.
 */
export function endOf(lines: readonly Line[], step: number, start = 0): number {
  let [low, high] = [start, lines.length]
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if ((lines[middle]?.step ?? Infinity) > step) high = middle
    else low = middle + 1
  }
  return low
}

/** Returns the line of a step. */
export function lineOf<L extends Line>(lines: readonly L[], step: number): L | undefined {
  const line = lines[endOf(lines, step) - 1]
  return line?.step === step ? line : undefined
}

/** Returns the lines with this line at its step, or without the step if the line is `undefined`. */
export function withLine<L extends Line>(
  lines: readonly L[],
  step: number,
  line: L | undefined,
): readonly L[] {
  const end = endOf(lines, step)
  const there = lines[end - 1]?.step === step ? 1 : 0
  return lines.toSpliced(end - there, there, ...(line === undefined ? [] : [line]))
}

/** Returns whether pages and the lines after them are in the order of steps, each step once. */
export function inOrder(
  pages: readonly { readonly from: number; readonly to: number }[] = [],
  lines: readonly Line[] = [],
): boolean {
  let last = -1
  for (const { from, to } of pages) {
    if (from <= last || to < from) return false
    last = to
  }
  for (const { step } of lines) {
    if (step <= last) return false
    last = step
  }
  return true
}
