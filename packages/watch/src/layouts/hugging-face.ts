import { type Contents, hasFile, readText } from '../folder/contents.ts'
import { isRecord, numberOf, parsePythonJson } from '../formats/json.ts'
import { countOf } from '../names/name-facts.ts'
import { firstMissing } from '../formats/whole-file.ts'
import { foreign, incomplete, type Layout, type Reading } from './layout.ts'

const stateFile = 'trainer_state.json'
const modelFile = /^(adapter_)?(model|pytorch_model)[-.\w]*\.(safetensors|bin)(\.index\.json)?$/
/** Metrics of the machine, not of the model. */
const machineMetric = /(_runtime|_per_second|_compilation_time)$|^(total_flos|step|epoch)$/

/**
 * Checkpoints of the Trainer of Hugging Face. `trainer_state.json` is written last, but other ranks may still write the
 * states of their random generators.
 */
export const huggingFace: Layout = {
  name: 'hugging-face',
  title: 'Hugging Face checkpoints (checkpoint-N/trainer_state.json)',
  patterns: ['checkpoint-{step}/'],
  read: async (contents) => {
    const isTrainers = hasFile(contents, stateFile) || contents.files.some(({ name }) => modelFile.test(name))
    if (!isTrainers || hasFile(contents, '.metadata')) return foreign
    if (!hasFile(contents, stateFile)) return incomplete(stateFile)
    const missing = (await missingShard(contents)) ?? (await firstMissing(contents))
    if (missing !== undefined) return incomplete(missing)
    return readState(contents, parsePythonJson(await readText(contents, stateFile)))
  },
}

function readState(contents: Contents, state: unknown): Reading {
  const { step } = contents.captured
  if (!isRecord(state)) return incomplete(`the end of ${stateFile}`)
  if (numberOf(state['global_step']) !== step) return incomplete(`${stateFile} of step ${String(step)}`)
  const history: readonly unknown[] = Array.isArray(state['log_history']) ? state['log_history'] : []
  const ofStep = history.filter(isRecord).filter((line) => line['step'] === step)
  const metrics = ofStep.flatMap((line) =>
    Object.entries(line).flatMap(([name, value]): [string, number][] => {
      const number = machineMetric.test(name) ? undefined : numberOf(value)
      return number === undefined ? [] : [[name, number]]
    }),
  )
  return {
    state: 'complete',
    step,
    epoch: countOf(numberOf(state['epoch'])),
    metrics: Object.fromEntries(metrics),
    isSignalled: true,
    marker: stateFile,
  }
}

/** Returns the first file that an index of shards names and that is missing in the folder. */
async function missingShard(contents: Contents): Promise<string | undefined> {
  for (const { name } of contents.files.filter((file) => file.name.endsWith('.index.json'))) {
    const index = parsePythonJson(await readText(contents, name))
    if (!isRecord(index)) return `the end of ${name}`
    const shards = isRecord(index['weight_map']) ? Object.values(index['weight_map']) : []
    const names = shards.filter((shard) => typeof shard === 'string')
    const missing = names.find((shard) => !hasFile(contents, shard))
    if (missing !== undefined) return missing
  }
  return undefined
}
