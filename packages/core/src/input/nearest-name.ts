/** The largest share of a name that may differ from a similar name. */
const mostDifferent = 0.5

/** The number of characters of a name to compare. */
const longest = 100

/** The largest number of names of similar length to compare letter by letter. */
const mostCompared = 1000

/** Returns the known names that are most similar to a name, most similar first. */
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

/** Returns the known name that is most similar to an unknown name; `undefined` if none is similar. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map((each) => ({ each, difference: differenceOf(name.slice(0, longest), each.slice(0, longest)) }))
    .sort((one, other) => one.difference - other.difference)
  const [first] = ranked
  return first !== undefined && first.difference <= mostDifferent ? first.each : undefined
}

/** Returns the difference of two names, from 0 (equal) to 1. Ignores case. */
function differenceOf(name: string, other: string): number {
  const [one, two] = [name.toLowerCase(), other.toLowerCase()]
  const length = Math.max(one.length, two.length)
  const edited = editsBetween(one, two) / Math.max(1, length)
  const isPart = one !== '' && two !== '' && (one.includes(two) || two.includes(one))
  return isPart ? edited / 2 : edited
}

/** Returns the smallest number of characters to insert, delete or replace (Levenshtein distance). */
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
