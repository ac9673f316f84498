import { HoldfastError } from '../../errors.ts'
import { bestSteps, type Objectives } from '../../metrics/index.ts'
import { own } from '../../input/records.ts'
import { assertStep, type CatalogEntry, type Quarantined } from '../documents/index.ts'
import { latestOf } from '../../order-key.ts'
import { shown } from '../../input/shown.ts'
import { abandonedAt, allRead, type PagedCatalog } from '../pages/index.ts'
import type { JudgedCatalog } from './judged-catalog.ts'
import { holderOf } from './judgement.ts'
import { unknownObjective } from './unknown-objective.ts'

/**
 * A step; the checkpoint whose save began last; or the best by the only objective or by a named one. `Name` is the union of
 * the known objectives.
 */
export type CheckpointChoice<Name extends string = string> = number | 'latest' | 'best' | `best:${Name}`

/** Returns the chosen entry among those that `offered` accepts; `undefined` if there is none. */
export function chooseEntry(
  judged: JudgedCatalog,
  choice: CheckpointChoice,
  offered: (entry: CatalogEntry) => boolean = () => true,
): CatalogEntry | undefined {
  const { catalog } = judged
  if (typeof choice === 'number') {
    assertStep(choice)
    const entry = catalog.checkpoints.get(choice) ?? abandonedAt(catalog, choice)
    return entry !== undefined && offered(entry) ? entry : undefined
  }
  assertChoice(choice)
  if (choice === 'latest') return latestOffered(catalog, offered)
  const name = objectiveName(choice, judged.own.objectives, judged.keeping.objectives)
  return bestEntry(judged, name, offered)
}

/**
 * Returns the latest offered checkpoint in the order of saves. Needs the lines of pages only if that is not the latest
 * of all.
 */
export function latestOffered(
  { checkpoints, latest }: PagedCatalog,
  offered: (entry: CatalogEntry) => boolean,
): CatalogEntry | undefined {
  if (latest === undefined || offered(latest)) return latest
  return latestOf(allRead(checkpoints).all.filter(offered))
}

/**
 * Returns the quarantined checkpoint of the chosen step; `undefined` if the choice is not a step or the step is listed.
 */
export function quarantinedChoice(catalog: PagedCatalog, choice: CheckpointChoice): Quarantined | undefined {
  const { checkpoints, quarantined } = catalog
  if (typeof choice !== 'number' || checkpoints.get(choice) !== undefined) return undefined
  if (abandonedAt(catalog, choice) !== undefined) return undefined
  return quarantined.findLast(({ entry }) => entry.step === choice)
}

/** Returns the message for a step without a checkpoint. Its hint is `list`. */
export function noCheckpointOfStep(step: number): string {
  return `There is no checkpoint of step ${step}.`
}

/** Creates the error for a quarantined checkpoint. */
export function quarantinedError(
  { entry, reason }: Pick<Quarantined, 'entry' | 'reason'>,
  url: string,
): HoldfastError {
  return new HoldfastError('CORRUPT', `Step ${entry.step} is quarantined: ${reason}.`, {
    url,
    hint: { kind: 'verify', step: entry.step },
  })
}

/** Parses a choice from text. Throws `INVALID_ARGUMENT`, and the message lists the valid forms. */
export function parseChoice(text: string): CheckpointChoice {
  if (/^\d+$/.test(text)) {
    assertStep(Number(text))
    return Number(text)
  }
  assertChoice(text)
  return text
}

/** Callers in JavaScript can pass any string. A misspelt choice must not be treated as the name of an objective. */
function assertChoice(choice: unknown): asserts choice is 'latest' | 'best' | `best:${string}` {
  if (choice === 'latest' || choice === 'best') return
  if (typeof choice === 'string' && isNamedBest(choice)) return
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    `${shown(choice)} is not a valid choice. ` + 'Write a step, "latest", "best" or "best:OBJECTIVE".',
  )
}

function isNamedBest(text: string): text is `best:${string}` {
  return text.startsWith('best:')
}

function bestEntry(
  judged: JudgedCatalog,
  name: string,
  offered: (entry: CatalogEntry) => boolean,
): CatalogEntry | undefined {
  const { objectives } = judged.keeping
  const objective = own(objectives, name)
  if (objective === undefined) throw unknownObjective(name, objectives)
  const isOffered = (step: number): boolean => {
    const entry = holderOf(judged.whole, step)
    return entry !== undefined && offered(entry)
  }
  const best = bestSteps(judged.judgement.evaluations, { [name]: objective }, isOffered).get(name) ?? []
  if (best.length > 1) throw severalAreBest(name, best)
  return best[0] === undefined ? undefined : holderOf(judged.whole, best[0])
}

/** Returns the only objective that this process defines, else the only one that the store records. */
function objectiveName(
  choice: 'best' | `best:${string}`,
  defined: Objectives,
  objectives: Objectives,
): string {
  if (choice !== 'best') return choice.slice('best:'.length)
  for (const [only, ...others] of [Object.keys(defined), Object.keys(objectives)]) {
    if (only !== undefined && others.length === 0) return only
  }
  throw Object.keys(objectives).length === 0 ? noObjective() : severalObjectives(objectives)
}

function noObjective(): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', "There is no objective, so no checkpoint is 'best'.", {
    hint: { kind: 'define-objective' },
  })
}

function severalObjectives(objectives: Objectives): HoldfastError {
  const names = Object.keys(objectives)
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `Several objectives are defined: ${names.join(', ')}. Name one of them. Its best checkpoint is best:NAME, such as best:${names[0] ?? ''}.`,
  )
}

function severalAreBest(name: string, steps: readonly number[]): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `None of the steps ${steps.join(', ')} beats the others in every objective of ${name}. Choose one of them by its number.`,
  )
}
