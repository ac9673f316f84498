import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { adapter as azure } from '@holdfast/adapter-azure'
import { adapter as fs } from '@holdfast/adapter-fs'
import { adapter as gcs } from '@holdfast/adapter-gcs'
import { adapter as s3 } from '@holdfast/adapter-s3'
import { openStore } from '@holdfast/core'
import type { Bench } from './harness/bench.ts'
import { assertEqual, assertSame, type Sample, writeSample } from './harness/bytes.ts'
import { run } from './harness/command.ts'
import { objectStores } from './object-stores.ts'
import type { BackendPlace } from './stores/store-server.ts'

/** What the probe is told: to save a file as this step, or to restore it. */
export interface ProbeRequest extends BackendPlace {
  readonly step: number
  readonly save?: string
  readonly to: string
}

const adapters = [fs, s3, gcs, azure]

/** The one that is restored. */
const firstStep = 1

const beside = 64 * 2 ** 20

/** By how much a save and a restore of a large checkpoint raise the peak of resident memory, on each store. */
export async function memory(bench: Bench): Promise<void> {
  const sample = await writeSample(join(bench.folder, 'sample.bin'), bench.scale.bytes)
  await onPlace(bench, sample, 'the file system', { url: await bench.fresh('store'), options: {} })
  for (const [name, start] of Object.entries(objectStores)) {
    const server = await start()
    if ('why' in server) {
      bench.leaveOut(name, server.why)
      continue
    }
    await using _ = server
    const { place } = await server.connect(server.origin)
    await onPlace(bench, sample, server.name, place('memory'))
  }
}

async function onPlace(bench: Bench, sample: Sample, where: string, place: BackendPlace): Promise<void> {
  await using store = await openStore(place.url, { mode: 'shared', adapters, backend: place.options })
  const limit = store.backend.capabilities.maxBufferedBytes + beside
  await store.save({ step: firstStep, files: { 'model.bin': sample.path } })
  let step = firstStep
  const to = await bench.fresh('restored')
  const saving = `a save to ${where}`
  const restoring = `a restore from ${where}`
  await bench.measure({
    name: `Peak of resident memory above that of an idle process, ${where}`,
    unit: 'bytes',
    rounds: Math.min(3, bench.scale.rounds),
    contenders: [
      {
        name: saving,
        run: async () => {
          step += 1
          return probe(bench, { ...place, step, save: sample.path, to })
        },
        verify: async () => {
          assertEqual(
            (await store.get(step))?.contents[0]?.sha256,
            sample.sha256,
            'The digest of what was saved',
          )
        },
      },
      {
        name: restoring,
        run: async () => probe(bench, { ...place, step: firstStep, to }),
        verify: () => assertSame(join(to, 'model.bin'), sample),
      },
    ],
    bounds: [saving, restoring].map((of) => ({
      text: 'what the backend may hold, and 64 MiB',
      of,
      limit,
    })),
  })
  await store.delete((await store.list()).slice(0, -1).map((each) => each.step))
}

async function probe(bench: Bench, request: ProbeRequest): Promise<number> {
  const file = join(bench.folder, 'probe.json')
  await writeFile(file, JSON.stringify(request))
  const printed = await run(process.execPath, [
    fileURLToPath(import.meta.resolve('./probes/memory.ts')),
    file,
  ])
  return (JSON.parse(printed) as { readonly raised: number }).raised
}
