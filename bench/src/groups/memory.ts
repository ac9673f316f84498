import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { adapter as azure } from '@holdfast/adapter-azure'
import { adapter as fs } from '@holdfast/adapter-fs'
import { adapter as gcs } from '@holdfast/adapter-gcs'
import { adapter as s3 } from '@holdfast/adapter-s3'
import { openStore } from '@holdfast/core'
import type { Bench } from '../harness/bench.ts'
import { assertEqual, assertSame, type Sample, writeSample } from '../harness/bytes.ts'
import { run } from '../harness/command.ts'
import type { Contender } from '../harness/work.ts'
import { objectStores } from '../stores/object-stores.ts'
import { uploadPlain } from '../stores/plain-object.ts'
import type { BackendPlace } from '../stores/store-server.ts'

/** A request to the probe: saves the file `save` as this step. Without `save`, restores the step into `to`. */
export interface ProbeRequest extends BackendPlace {
  readonly step: number
  readonly save?: string
  readonly to: string
}

/** A request to the probe without Holdfast: downloads `url` into the file `to`. */
export interface DownloadRequest {
  readonly url: string
  readonly to: string
}

const adapters = [fs, s3, gcs, azure]

/** The step that is restored. */
const firstStep = 1

const beside = 64 * 2 ** 20

/** Measures how much a save and a restore of a large checkpoint raise the peak of resident memory, on each store. */
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
    const clients = await server.connect(server.origin)
    const plain = await uploadPlain(clients, sample)
    await onPlace(bench, sample, server.name, clients.place(`memory-${randomUUID()}`), await plain())
  }
}

async function onPlace(
  bench: Bench,
  sample: Sample,
  where: string,
  place: BackendPlace,
  plain?: string,
): Promise<void> {
  await using store = await openStore(place.url, { mode: 'shared', adapters, backend: place.options })
  const limit = store.backend.capabilities.maxBufferedBytes + beside
  await store.save({ step: firstStep, files: { 'model.bin': sample.path } })
  let step = firstStep
  let unchangedBytes: number | undefined
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
          const request: ProbeRequest = { ...place, step, save: sample.path, to }
          const report = await probe(bench, 'memory', request)
          unchangedBytes = report.unchangedBytes
          return report.raised
        },
        verify: async () => {
          assertEqual(unchangedBytes, 0, 'The number of bytes that the save did not send')
          assertEqual(
            (await store.get(step))?.files[0]?.sha256,
            sample.sha256,
            'The digest of the saved file',
          )
        },
      },
      {
        name: restoring,
        run: async () => {
          const request: ProbeRequest = { ...place, step: firstStep, to }
          return (await probe(bench, 'memory', request)).raised
        },
        verify: () => assertSame(join(to, 'model.bin'), sample),
      },
      ...(plain === undefined ? [] : [downloading(bench, sample, plain)]),
    ],
    bounds: [saving, restoring].map((of) => ({
      text: 'the buffers that the backend may hold, plus 64 MiB',
      of,
      limit,
    })),
  })
  await store.delete((await store.list()).slice(0, -1).map((each) => each.step))
}

/** Measures the memory of Node.js alone, without an SDK, digests or retries. */
function downloading(bench: Bench, sample: Sample, url: string): Contender {
  const to = join(bench.folder, 'plain.bin')
  return {
    name: 'node:http to a file + fsync',
    run: async () => {
      const request: DownloadRequest = { url, to }
      return (await probe(bench, 'memory-of-node-http', request)).raised
    },
    verify: () => assertSame(to, sample),
  }
}

/** What a probe reports. */
export interface ProbeReport {
  /** The bytes by which its work raised the peak of its resident memory. */
  readonly raised: number
  /** The bytes that a save did not send, because the store has them. Absent for other work. */
  readonly unchangedBytes?: number | undefined
}

/** Runs a probe with a request. */
async function probe(bench: Bench, program: string, request: object): Promise<ProbeReport> {
  const file = join(bench.folder, 'probe.json')
  await writeFile(file, JSON.stringify(request))
  const printed = await run(process.execPath, [
    fileURLToPath(import.meta.resolve(`../probes/${program}.ts`)),
    file,
  ])
  return JSON.parse(printed) as ProbeReport
}
