import { type Candidate, findCandidates } from '../folder/find-candidates.ts'
import { parsePattern } from '../folder/pattern.ts'
import { detectableLayouts, type Layout } from '../layouts/index.ts'
import type { Memory } from '../memory/memory.ts'
import { inspect, type Inspection, type SeenSeals } from './inspect.ts'

/** What is in a folder, as one layout sees it. */
export interface Survey {
  readonly layout: Layout
  /** In no particular order, without what is foreign. */
  readonly inspections: readonly Exclude<Inspection, { readonly state: 'foreign' }>[]
  /** Folders with a step in their names that hold nothing of the layout. */
  readonly hollow: readonly Candidate[]
  /** Folders whose changes matter. */
  readonly folders: readonly string[]
}

/** Looks at everything in the folder that the layout's patterns match. */
export async function survey(
  folder: string,
  layout: Layout,
  memory: Memory,
  seen: SeenSeals,
): Promise<Survey> {
  const { candidates, folders } = await findCandidates(folder, layout.patterns.map(parsePattern))
  const inspections: Survey['inspections'][number][] = []
  const hollow: Candidate[] = []
  for (const candidate of candidates) {
    const inspection = await inspect(candidate, layout, memory, seen)
    if (inspection.state !== 'foreign') inspections.push(inspection)
    else if (candidate.isFolder && candidate.captured.step !== undefined) hollow.push(candidate)
  }
  return { layout, inspections, hollow, folders }
}

/**
 * The first layout that finds something of its own. It is sure of itself only with a complete checkpoint: half a folder may
 * turn out to be another's.
 */
export async function detect(folder: string, memory: Memory, seen: SeenSeals): Promise<Survey | undefined> {
  for (const layout of detectableLayouts) {
    const found = await survey(folder, layout, memory, seen)
    if (found.inspections.length > 0) return found
  }
  return undefined
}

export function isSure({ inspections }: Survey): boolean {
  return inspections.some(({ state }) => state !== 'incomplete')
}
