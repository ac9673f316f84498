import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type CheckpointStore, openStore } from '@holdfast/core'
import type { Bench } from '../harness/bench.ts'
import { assertEqual, randomBytes, sha256Of } from '../harness/bytes.ts'
import { median } from '../harness/statistics.ts'
import type { Contender, Headline } from '../harness/work.ts'
import { commitByHand, commitInOrder } from '../peers/by-hand.ts'
import { CommitInThreads } from '../peers/commit-in-threads.ts'

/** Measures saves of small checkpoints on the file system, by a process that saves again and again. */
export async function smallCheckpoints(bench: Bench): Promise<void> {
  await saveSmall(bench, {
    bytes: 4096,
    name: 'Save a checkpoint of 4 KiB, durable (each)',
    statistic: mean,
    atMost: 1.4,
    headline: { question: 'Save a small checkpoint', kind: 'disk', place: 'disk' },
  })
  await saveSmall(bench, {
    bytes: 2048,
    name: 'Save a checkpoint of 2 KiB, durable (median of many saves)',
    statistic: median,
    atMost: 1.2,
  })
}

/** A small checkpoint, and how its saves are measured. */
interface Small {
  readonly bytes: number
  readonly name: string
  readonly statistic: (times: readonly number[]) => number
  readonly atMost: number
  readonly headline?: Headline
}

async function saveSmall(bench: Bench, small: Small): Promise<void> {
  const { saves } = bench.scale
  const bytes = randomBytes(small.bytes)
  await using store = await openStore(await bench.fresh('small'))
  await using threads = new CommitInThreads()
  let step = 0
  const ours: Contender = {
    name: 'Holdfast',
    run: () =>
      timed(saves, small.statistic, async () => {
        step += 1
        await store.save({ step, files: { 'model.bin': bytes } })
      }),
    verify: async () => {
      assertEqual((await newestFile(store)).sha256, sha256Of(bytes), 'The digest of the newest save')
    },
  }
  const minimum = await committing(bench, small, 'six fsyncs by hand', commitByHand)
  const inOrder = await committing(bench, small, 'the seven fsyncs of a save, by hand', commitInOrder)
  const fastest = await committing(
    bench,
    small,
    'the calls of a save in two threads, by hand',
    threads.commit,
  )
  await bench.measure({
    name: small.name,
    ...(small.headline === undefined ? {} : { headline: small.headline }),
    contenders: [ours, minimum, inOrder, fastest],
    comparisons: [
      {
        text: 'the fewest fsyncs, by hand',
        role: 'time',
        of: ours.name,
        against: { which: 'fastest', names: [minimum.name] },
        atMost: small.atMost,
      },
      { text: inOrder.name, of: ours.name, against: { which: 'fastest', names: [inOrder.name] } },
      { text: fastest.name, of: ours.name, against: { which: 'fastest', names: [fastest.name] } },
    ],
  })
}

/** Makes small checkpoints durable without Holdfast. */
async function committing(
  bench: Bench,
  { bytes: size, statistic }: Small,
  name: string,
  commit: typeof commitByHand,
): Promise<Contender> {
  const bytes = randomBytes(size)
  const root = await bench.freshFolder(`small-${name.replaceAll(/[^a-z]+/g, '-')}`)
  for (const folder of ['data', 'catalog']) await mkdir(join(root, folder))
  let step = 0
  let written = ''
  return {
    name,
    run: () =>
      timed(bench.scale.saves, statistic, async () => {
        step += 1
        written = await commit(root, step, bytes)
      }),
    verify: async () => {
      assertEqual(
        sha256Of(await readFile(written)),
        sha256Of(bytes),
        'The digest of the file that was written by hand',
      )
    },
  }
}

/** Returns the mean or the median of the milliseconds of several calls in a row. */
async function timed(
  count: number,
  statistic: (times: readonly number[]) => number,
  once: () => Promise<void>,
): Promise<number> {
  const times: number[] = []
  while (times.length < count) {
    const began = performance.now()
    await once()
    times.push(performance.now() - began)
  }
  return statistic(times)
}

function mean(times: readonly number[]): number {
  return times.reduce((sum, time) => sum + time, 0) / times.length
}

/** Returns the path of the first file of the newest checkpoint, and its digest in the manifest. */
export async function newestFile(
  store: CheckpointStore,
): Promise<{ readonly path: string; readonly sha256: string }> {
  const file = (await store.get('latest'))?.files[0]
  if (file === undefined) throw new Error('The store has no checkpoint')
  return { path: join(store.backend.capabilities.localRoot ?? '', file.key), sha256: file.sha256 }
}
