/** Shares of a name that may differ, at most, for another to be near it. */
const mostDifferent = 0.5

/** Characters of a name that are compared. */
const longest = 100

/** Names of similar length that are compared letter by letter, at most. */
const mostCompared = 1000

/** The known names that are nearest to a name, the nearest first. */
export function nearestNames(name: string, known: readonly string[], count: number): readonly string[] {
  const lengthsApart = (each: string): number => Math.abs(each.length - name.length)
  return known
    .toSorted((one, other) => lengthsApart(one) - lengthsApart(other))
    .slice(0, mostCompared)
    .map((each) => ({ each, difference: differenceOf(name.slice(0, longest), each.slice(0, longest)) }))
    .sort((one, other) => one.difference - other.difference)
    .slice(0, count)
    .map(({ each }) => each)
}

/** The known name that is nearest to a name that is not known; `undefined` if none is near. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((each) => ({ each, difference: differenceOf(name.slice(0, longest), each.slice(0, longest)) }))
    .sort((one, other) => one.difference - other.difference)
  const [first] = ranked
  return first !== undefined && first.difference <= mostDifferent ? first.each : undefined
}

/** From 0, equal, to 1. Whether letters are capitals does not count. */
function differenceOf(name: string, other: string): number {
  const [one, two] = [name.toLowerCase(), other.toLowerCase()]
  const length = Math.max(one.length, two.length)
  const edited = editsBetween(one, two) / Math.max(1, length)
  const isPart = one !== '' && two !== '' && (one.includes(two) || two.includes(one))
  return isPart ? edited / 2 : edited
}

/** Characters to insert, delete or replace, at least (Levenshtein). */
function editsBetween(one: string, two: string): number {
  const others = Array.from(two)
  let edits = [0, ...others.map((_, column) => column + 1)]
  for (const [row, character] of Array.from(one).entries()) {
    const next = [row + 1]
    for (const [column, other] of others.entries()) {
      const replaced = (edits[column] ?? 0) + (character === other ? 0 : 1)
      next.push(Math.min(replaced, (edits[column + 1] ?? 0) + 1, (next[column] ?? 0) + 1))
    }
    edits = next
  }
  return edits.at(-1) ?? 0
}
