import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { adapter } from '@holdfast/adapter-fs'
import { adapter as s3Adapter } from '@holdfast/adapter-s3'
import { startS3Emulator } from '@holdfast/emulators'
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

const s3 = await startS3Emulator({ buckets: ['threads'] })
vitest.afterAll(() => s3.close())

validate({
  checkpointerName: 'HoldfastSaver in a bucket',
  createCheckpointer: () => {
    savers += 1
    return new HoldfastSaver(`s3://threads/${savers}?endpoint=${s3.endpoint}&region=${s3.region}`, {
      adapters: [s3Adapter],
      backend: { credentials: s3.credentials },
      config: false,
    })
  },
  destroyCheckpointer: (saver) => saver[Symbol.asyncDispose](),
})
