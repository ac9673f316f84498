import { adapter as s3 } from '@holdfast/adapter-s3'
import { type CheckpointBackend, CheckpointStore, listRuns, MemoryBackend } from '@holdfast/core'
import { concurrently } from '@holdfast/core/backend'
import { startS3Emulator } from '@holdfast/emulators'
import { startProxy } from '@holdfast/emulators/proxy'
import type { Bench } from '../harness/bench.ts'
import { assertEqual } from '../harness/bytes.ts'

const wanted = { full: 500, quick: 20 }

/** Measures a list of many runs on the emulator of S3, which runs in this process. */
export async function runs(bench: Bench): Promise<void> {
  const count = bench.scale.quick ? wanted.quick : wanted.full
  await using emulator = await startS3Emulator({ buckets: ['runs'] })
  const { endpoint, region, credentials } = emulator
  await using proxy = await startProxy({ target: endpoint })
  const options = { endpoint, region, credentials }
  const filled = await s3.open(new URL('s3://runs/team'), options)
  await putRuns(filled, count)
  await filled.close()
  const name = 'Holdfast'
  let listed = 0
  const list = async (): Promise<void> => {
    const backend = { ...options, endpoint: proxy.url }
    const found = await listRuns('s3://runs/team', { adapters: [s3], config: false, backend })
    listed = found.filter(({ state }) => state === 'readable').length
  }
  const verify = async (): Promise<void> => {
    assertEqual(listed, count, 'The number of runs')
  }
  await bench.measure({
    name: `List ${count} runs on the emulator of S3`,
    contenders: [
      {
        name,
        run: async () => {
          await list()
          return undefined
        },
        verify,
      },
    ],
  })
  await bench.measure({
    name: `Requests for each of ${count} runs in a list`,
    unit: 'requests',
    rounds: 1,
    contenders: [
      {
        name,
        run: async () => {
          const before = proxy.requests.count()
          await list()
          return (proxy.requests.count() - before) / count
        },
        verify,
      },
    ],
    bounds: [{ text: 'requests for each run, with its share of the listing', of: name, limit: 1.2 }],
  })
}

/** Puts the documents of many runs, which have the same checkpoints. */
async function putRuns(backend: CheckpointBackend, count: number): Promise<void> {
  const memory = new MemoryBackend('mem:')
  const store = new CheckpointStore(memory, { mode: 'shared' })
  for (const step of [1, 2, 3])
    await store.save({ step, files: { 'model.bin': Buffer.alloc(10) }, metrics: { loss: 1 / step } })
  await store.close()
  const documents = new Map<string, Uint8Array>()
  for await (const { key } of memory.list('')) {
    if (key.startsWith('data/')) continue
    documents.set(key, Buffer.concat(await Array.fromAsync((await memory.read(key)).body)))
  }
  const names = Array.from({ length: count }, (_, run) => `run-${String(run).padStart(3, '0')}`)
  await concurrently(names, 16, undefined, async (name) => {
    for (const [key, bytes] of documents) await backend.put(`${name}/${key}`, bytes)
  })
}
