import { type Manifest, newManifest } from '../../catalog/documents/index.ts'
import { nameClash } from '../../catalog/documents/file-names.ts'
import { compareKeys } from '../../backend/index.ts'
import { stringifyJson } from '../../input/json.ts'
import type { AttemptProposal, Part } from './proposals.ts'

/** A part with the rank that wrote it. */
export interface RankPart {
  readonly rank: number
  readonly part: Part
}

export type Union =
  | { readonly kind: 'manifest'; readonly manifest: Manifest }
  /** Why the parts cannot form a checkpoint, as a sentence. */
  | { readonly kind: 'refused'; readonly why: string }

/**
 * Returns the manifest of a joint checkpoint, or why there is none. The manifest depends on the agreement and the parts alone, so every
 * rank makes the same bytes. Metrics, tags, metadata, data state and epoch come from the lowest rank that gives them. Other ranks may give the same, or none.
 */
export function unionOf(
  step: number,
  { attempt, order, savedAt, continues }: AttemptProposal,
  parts: readonly RankPart[],
): Union {
  const inOrder = parts.toSorted((one, other) => one.rank - other.rank)
  const files = inOrder.flatMap(({ part }) => part.files)
  if (files.length === 0) return refused('A checkpoint must have at least one file, and no rank has any.')
  const doubled = nameClash(files.map(({ name }) => name))
  if (doubled !== undefined) {
    const ranks = inOrder.filter(({ part }) => part.files.some(({ name }) => doubled.includes(name)))
    return refused(
      `The file names of all ranks must differ, and ranks ${ranks.map(({ rank }) => rank).join(' and ')} save ` +
        `${[...new Set(doubled)].map((name) => JSON.stringify(name)).join(' and ')}.`,
    )
  }
  const contradictions = [
    ...contradictionIn(inOrder, 'epoch', ({ epoch }) => epoch),
    ...contradictionIn(inOrder, 'tags', ({ tags }) => (tags.length === 0 ? undefined : tags)),
    ...contradictionIn(inOrder, 'metadata', ({ metadata }) => metadata),
    ...contradictionIn(inOrder, 'dataState', ({ dataState }) => dataState),
    ...metricNames(inOrder).flatMap((name) =>
      contradictionIn(inOrder, `the metric ${JSON.stringify(name)}`, ({ metrics }) => metrics[name]),
    ),
  ]
  const [contradiction] = contradictions
  if (contradiction !== undefined) return refused(contradiction)
  const first = <Value>(of: (part: Part) => Value | undefined): Value | undefined =>
    inOrder.map(({ part }) => of(part)).find((value) => value !== undefined)
  const [epoch, metadata, dataState] = [
    first((part) => part.epoch),
    first((part) => part.metadata),
    first((part) => part.dataState),
  ]
  const metrics = Object.fromEntries(
    metricNames(inOrder).flatMap((name) => {
      const value = first((part) => part.metrics[name])
      return value === undefined ? [] : [[name, value] as const]
    }),
  )
  return {
    kind: 'manifest',
    manifest: newManifest({
      attempt,
      step,
      ...(epoch === undefined ? {} : { epoch }),
      savedAt,
      order,
      ...(continues === undefined ? {} : { resumed: continues }),
      files: files.toSorted((one, other) => compareKeys(one.name, other.name)),
      metrics,
      tags: first(({ tags }) => (tags.length === 0 ? undefined : tags)) ?? [],
      ...(metadata === undefined ? {} : { metadata }),
      ...(dataState === undefined ? {} : { dataState }),
    }),
  }
}

function metricNames(parts: readonly RankPart[]): readonly string[] {
  return [...new Set(parts.flatMap(({ part }) => Object.keys(part.metrics)))].sort()
}

/** Names two ranks that give different values, as a sentence. */
function contradictionIn(
  parts: readonly RankPart[],
  what: string,
  of: (part: Part) => unknown,
): readonly string[] {
  const given = parts.filter(({ part }) => of(part) !== undefined)
  const [one] = given
  if (one === undefined) return []
  const text = stringifyJson(of(one.part))
  const other = given.find(({ part }) => stringifyJson(of(part)) !== text)
  if (other === undefined) return []
  return [
    `Ranks ${one.rank} and ${other.rank} give different values for ${what}. Let one rank give it, or all the same.`,
  ]
}

function refused(why: string): Union {
  return { kind: 'refused', why }
}
