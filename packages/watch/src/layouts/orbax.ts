import { hasFile, readText } from '../folder/contents.ts'
import { isRecord, numberOf, parsePythonJson } from '../formats/json.ts'
import { factsOfName } from '../names/name-facts.ts'
import { foreign, incomplete, type Layout } from './layout.ts'

const metadataFile = '_CHECKPOINT_METADATA'
const commitFile = 'commit_success.txt'
const metricsFile = 'metrics/metrics'
/** Before the final rename: https://orbax.readthedocs.io/en/latest/guides/checkpoint/checkpoint_format.html */
const temporary = '.orbax-checkpoint-tmp'

/**
 * Checkpoints of Orbax's CheckpointManager. It renames a folder when it is complete, or writes `commit_success.txt`,
 * and records a commit time in the metadata.
 */
export const orbax: Layout = {
  name: 'orbax',
  title: 'Orbax checkpoints (N/_CHECKPOINT_METADATA)',
  patterns: ['*/'],
  read: async (contents) => {
    if (contents.name.includes(temporary) || !hasFile(contents, metadataFile)) return foreign
    const metadata = parsePythonJson(await readText(contents, metadataFile))
    if (!isRecord(metadata)) return incomplete(`the end of ${metadataFile}`)
    const isCommitted =
      hasFile(contents, commitFile) || numberOf(metadata['commit_timestamp_nsecs']) !== undefined
    if (!isCommitted) return incomplete(commitFile)
    const saved = hasFile(contents, metricsFile)
      ? parsePythonJson(await readText(contents, metricsFile))
      : metadata['metrics']
    const { step } = factsOfName(contents.name)
    return { state: 'complete', step, epoch: undefined, metrics: numbersIn(saved), isSignalled: true }
  },
}

function numbersIn(value: unknown): Readonly<Record<string, number>> {
  if (!isRecord(value)) return {}
  const numbers = Object.entries(value).flatMap(([name, member]): [string, number][] => {
    const number = numberOf(member)
    return number === undefined ? [] : [[name, number]]
  })
  return Object.fromEntries(numbers)
}
