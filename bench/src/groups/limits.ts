import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { CheckpointStore } from '@holdfast/core'
import type { Bench } from '../harness/bench.ts'
import { assertSame, type Sample, writeSample } from '../harness/bytes.ts'
import { objectStores } from '../stores/object-stores.ts'

/** Seconds that a transfer takes at its limit. */
const duration = { full: 10, quick: 2 }

/** By how many percent a rate may differ from its limit. */
const largestDeviation = 5

interface TransferLimits {
  /** Bytes per second. */
  readonly limitUpload?: number
  readonly limitDownload?: number
}

/** Measures how exactly saves and restores keep a limit of their rate, on S3. */
export async function limits(bench: Bench): Promise<void> {
  const server = await objectStores.s3()
  if ('why' in server) {
    bench.leaveOut('limits', server.why)
    return
  }
  await using _ = server
  const clients = await server.connect(server.origin)
  const sample = await writeSample(join(bench.folder, 'sample.bin'), bench.scale.bytes)
  const rate = sample.size / (bench.scale.quick ? duration.quick : duration.full)
  const place = `limited-${randomUUID()}`
  const opened = async (limits: TransferLimits = {}): Promise<CheckpointStore> =>
    new CheckpointStore(await clients.open(place), { ...limits, mode: 'shared', unchanged: 'never' })
  await using limited = await opened({ limitUpload: rate, limitDownload: rate })
  await using unlimited = await opened()
  await unlimited.save({ step: 0, files: { 'model.bin': sample.path } })
  const saving = 'a save'
  const restoring = 'a restore'
  let step = 0
  let to = ''
  await bench.measure({
    name: `Deviation from a limit of ${(rate / 2 ** 20).toFixed(0)} MiB/s, ${server.name}`,
    unit: 'percent',
    contenders: [
      {
        name: saving,
        run: async () => {
          step += 1
          return deviation(sample, rate, () => limited.save({ step, files: { 'model.bin': sample.path } }))
        },
        verify: async () => {
          await assertRestores(bench, unlimited, sample)
        },
      },
      {
        name: restoring,
        prepare: async () => {
          to = await bench.fresh('restored')
        },
        run: () => deviation(sample, rate, () => limited.restore('latest', { to })),
        verify: () => assertSame(join(to, 'model.bin'), sample),
      },
    ],
    bounds: [saving, restoring].map((of) => ({
      text: 'difference between its rate and the limit',
      of,
      limit: largestDeviation,
    })),
  })
}

/** Returns by how many percent the rate of a transfer differs from a limit in bytes per second. */
async function deviation({ size }: Sample, limit: number, transfer: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await transfer()
  const rate = size / ((performance.now() - began) / 1000)
  return Math.abs(rate / limit - 1) * 100
}

async function assertRestores(bench: Bench, store: CheckpointStore, sample: Sample): Promise<void> {
  const to = await bench.fresh('verified')
  await store.restore('latest', { to })
  await assertSame(join(to, 'model.bin'), sample)
}
