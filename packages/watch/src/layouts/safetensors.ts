import { countOf } from '../names/name-facts.ts'
import { safetensorsHeader } from '../formats/safetensors.ts'
import { foreign, type Layout } from './layout.ts'
import { readSingleFile } from './single-file.ts'

/** Single safetensors files. The step is in the name, or in the header as `step`, `global_step` or `epoch`. */
export const safetensors: Layout = {
  name: 'safetensors',
  title: 'safetensors files (*.safetensors)',
  patterns: ['*.safetensors'],
  read: async (contents) => {
    const [file] = contents.files
    if (file === undefined) return foreign
    const header = await safetensorsHeader(contents, file.name)
    const { step, global_step: globalStep, epoch } = header?.metadata ?? {}
    return readSingleFile(contents, { step: countIn(step ?? globalStep), epoch: countIn(epoch) })
  },
}

/** The header has only strings. */
function countIn(value: unknown): number | undefined {
  return typeof value === 'string' && /^\d+$/.test(value) ? countOf(Number(value)) : undefined
}
