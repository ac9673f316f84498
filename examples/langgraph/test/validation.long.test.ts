import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { adapter } from '@holdfast/adapter-fs'
import * as vitest from 'vitest'
import { HoldfastSaver } from '../src/index.ts'

// The validation suite of LangGraph uses the functions of the runner as globals.
Object.assign(globalThis, vitest)
const { validate } = await import('@langchain/langgraph-checkpoint-validation')

const folder = await mkdtemp(join(tmpdir(), 'holdfast-langgraph-'))
let savers = 0

validate({
  checkpointerName: 'HoldfastSaver',
  createCheckpointer: () => {
    savers += 1
    return new HoldfastSaver(join(folder, String(savers)), { adapters: [adapter], config: false })
  },
  destroyCheckpointer: (saver) => saver[Symbol.asyncDispose](),
})
