import { type CheckpointBackend, CheckpointStore, MemoryBackend } from '@holdfast/core'
import { concurrently } from '@holdfast/core/backend'

type Objects = ReadonlyMap<string, Uint8Array>

/** Every object of a run with a few checkpoints. */
async function objectsOfRun(): Promise<Objects> {
  const backend = new MemoryBackend('mem:')
  const store = new CheckpointStore(backend, {
    mode: 'shared',
    objectives: { loss: { metric: 'val_loss', direction: 'min' } },
    retention: { keepLast: 2 },
  })
  for (const [step, val_loss] of [0.3, 0.1, 0.2, 0.4].entries())
    await store.save({ step, files: { 'model.bin': Buffer.alloc(10) }, metrics: { val_loss } })
  const objects = new Map<string, Uint8Array>()
  for await (const { key } of backend.list(''))
    objects.set(key, Buffer.concat(await Array.fromAsync((await backend.read(key)).body)))
  await store.close()
  return objects
}

/** Puts runs below the root of a backend: whole ones, or only the documents that a list of runs reads. */
export async function putRuns(
  backend: CheckpointBackend,
  number: number,
  objects: 'all objects' | 'documents',
): Promise<void> {
  const all = await objectsOfRun()
  const newest = [...all.keys()].findLast((key) => key.startsWith('catalog/'))
  const chosen =
    objects === 'all objects' ? [...all] : [...all].filter(([key]) => ['holdfast.json', newest].includes(key))
  const wanted = Array.from({ length: number }, (_, run) => `run-${String(run).padStart(3, '0')}`)
  await concurrently(wanted, 16, undefined, async (name) => {
    for (const [key, bytes] of chosen) await backend.put(`${name}/${key}`, bytes)
  })
}
