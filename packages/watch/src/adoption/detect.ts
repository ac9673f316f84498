import { type Candidate, findCandidates } from '../folder/find-candidates.ts'
import { parsePattern } from '../folder/pattern.ts'
import { detectableLayouts, type Layout } from '../layouts/index.ts'
import type { Memory } from '../memory/memory.ts'
import { inspect, type Inspection, type SeenSeals } from './inspect.ts'

/** A checkpoint that cannot be read. */
export type Unreadable = Extract<Inspection, { readonly state: 'unreadable' }>

/** The contents of a folder, as one layout sees them. */
export interface Survey {
  readonly layout: Layout
  /** The checkpoints that can be read, in no particular order. Foreign files are omitted. */
  readonly inspections: readonly Exclude<Inspection, Unreadable | { readonly state: 'foreign' }>[]
  readonly unreadable: readonly Unreadable[]
  /** Folders with a step in their names that contain no file of the layout. */
  readonly hollow: readonly Candidate[]
  /** The folders in which a change matters. */
  readonly folders: readonly string[]
}

/** Inspects everything in the folder that matches a pattern of the layout. */
export async function survey(
  folder: string,
  layout: Layout,
  memory: Memory,
  seen: SeenSeals,
): Promise<Survey> {
  const { candidates, folders } = await findCandidates(folder, layout.patterns.map(parsePattern))
  const inspections: Survey['inspections'][number][] = []
  const unreadable: Unreadable[] = []
  const hollow: Candidate[] = []
  for (const candidate of candidates) {
    const inspection = await inspect(candidate, layout, memory, seen)
    if (inspection.state === 'unreadable') unreadable.push(inspection)
    else if (inspection.state !== 'foreign') inspections.push(inspection)
    else if (candidate.isFolder && candidate.captured.step !== undefined) hollow.push(candidate)
  }
  return { layout, inspections, unreadable, hollow, folders }
}

/**
 * Returns the first layout that finds one of its checkpoints. Only a complete checkpoint is certain, because an
 * incomplete one may belong to another layout. If no layout can read a checkpoint, returns the first for which there is an
 * unreadable one.
 */
export async function detect(folder: string, memory: Memory, seen: SeenSeals): Promise<Survey | undefined> {
  let unreadable: Survey | undefined
  for (const layout of detectableLayouts) {
    const found = await survey(folder, layout, memory, seen)
    if (found.inspections.length > 0) return found
    if (found.unreadable.length > 0) unreadable ??= found
  }
  return unreadable
}

export function isSure({ inspections }: Survey): boolean {
  return inspections.some(({ state }) => state !== 'incomplete')
}
