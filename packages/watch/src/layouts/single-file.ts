import type { Contents } from '../folder/contents.ts'
import { factsOfName, type NameFacts } from '../names/name-facts.ts'
import { wholeness } from '../formats/whole-file.ts'
import { foreign, incomplete, type Reading, stepOf } from './layout.ts'

/** Reads a checkpoint that is one file. Facts come from its name, and `more` from its content. */
export async function readSingleFile(contents: Contents, more: Partial<NameFacts> = {}): Promise<Reading> {
  const [file] = contents.files
  if (file === undefined) return foreign
  const found = await wholeness(contents, file)
  if (typeof found === 'object') return incomplete(found.missing)
  const named = factsOfName(stemOf(contents.name))
  const facts = { step: named.step ?? more.step, epoch: named.epoch ?? more.epoch }
  return {
    state: 'complete',
    step: stepOf(facts),
    epoch: facts.epoch,
    metrics: { ...more.metrics, ...named.metrics },
    isSignalled: found === 'whole',
  }
}

/** Returns a name without its extensions: `model.01-0.25.keras` becomes `model.01-0.25`. */
export function stemOf(name: string): string {
  return name.replace(/\.weights\.h5$|\.[A-Za-z]\w*$/, '')
}
