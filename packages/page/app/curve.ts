/** The points of one curve, in ascending order of `steps`. */
export interface Curve {
  readonly steps: readonly number[]
  readonly values: readonly number[]
}

export interface Range {
  readonly from: number
  readonly to: number
}

/** Returns the points that have a value. */
export function curveOf(steps: readonly number[], values: readonly (number | null)[]): Curve {
  const present: { steps: number[]; values: number[] } = { steps: [], values: [] }
  for (const [index, value] of values.entries()) {
    const step = steps[index]
    if (value === null || step === undefined) continue
    present.steps.push(step)
    present.values.push(value)
  }
  return present
}

/** Returns the exponential moving average. With weight 0 it is the values themselves. */
export function smoothed(values: readonly number[], weight: number): readonly number[] {
  let average: number | undefined
  return values.map((value) => {
    average = average === undefined ? value : weight * average + (1 - weight) * value
    return average
  })
}

/**
 * Returns the indices of the points to draw: all points within a range of steps, or the lowest and the highest of each
 * of so many groups. One more point on each side keeps the line running to the edge. The result is in ascending order.
 */
export function thinned({ steps, values }: Curve, range: Range, groups: number): readonly number[] {
  const first = Math.max(0, firstFrom(steps, range.from) - 1)
  const last = Math.min(steps.length, firstFrom(steps, range.to + 1) + 1)
  const size = Math.ceil((last - first) / groups)
  if (size <= 2) return Array.from({ length: last - first }, (_, index) => first + index)
  const drawn: number[] = []
  for (let start = first; start < last; start += size) {
    let lowest = start
    let highest = start
    for (let index = start; index < Math.min(last, start + size); index += 1) {
      const value = values[index] ?? 0
      if (value < (values[lowest] ?? 0)) lowest = index
      if (value > (values[highest] ?? 0)) highest = index
    }
    drawn.push(...(lowest === highest ? [lowest] : [Math.min(lowest, highest), Math.max(lowest, highest)]))
  }
  return drawn
}

/** The index of the first step that is not below another. */
export function firstFrom(steps: readonly number[], step: number): number {
  let low = 0
  let high = steps.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((steps[middle] ?? 0) < step) low = middle + 1
    else high = middle
  }
  return low
}

/** The lowest, highest and last value; `undefined` for an empty curve. */
export function extremes({
  steps,
  values,
}: Curve): { readonly lowest: Point; readonly highest: Point; readonly last: Point } | undefined {
  let lowest = 0
  let highest = 0
  for (const [index, value] of values.entries()) {
    if (value < (values[lowest] ?? 0)) lowest = index
    if (value > (values[highest] ?? 0)) highest = index
  }
  const at = (index: number): Point => ({ step: steps[index] ?? 0, value: values[index] ?? 0 })
  return values.length === 0
    ? undefined
    : { lowest: at(lowest), highest: at(highest), last: at(values.length - 1) }
}

export interface Point {
  readonly step: number
  readonly value: number
}

/**
 * Returns the path of a small curve in a box of a width and a height, as SVG draws it; `undefined` if there is nothing to draw.
 */
export function pathOfCurve(values: readonly number[], width: number, height: number): string | undefined {
  if (values.length < 2) return undefined
  const lowest = Math.min(...values)
  const range = Math.max(...values) - lowest
  return values
    .map((value, index) => {
      const x = (index / (values.length - 1)) * width
      const y = range === 0 ? height / 2 : height - ((value - lowest) / range) * height
      return `${index === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`
    })
    .join('')
}
