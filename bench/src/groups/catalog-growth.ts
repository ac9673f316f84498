import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type CheckpointStore, openStore } from '@holdfast/core'
import type { Bench } from '../harness/bench.ts'
import { assertEqual, randomBytes, sha256Of } from '../harness/bytes.ts'
import type { Comparison, Contender } from '../harness/work.ts'
import { writeGrownStore } from '../fixtures/grown-store.ts'

/** The store of a run with many checkpoints. */
interface Grown {
  readonly name: string
  readonly checkpoints: number
  readonly folder: string
  readonly store: CheckpointStore
  step: number
}

const bytes = randomBytes(1024)

const options = {
  objectives: { loss: { metric: 'val_loss', direction: 'min' } },
} as const

const retention = { keepLast: 3, keepEvery: { steps: 10 }, keepBest: { loss: 3 } }

/** Compares the costs of a run with many checkpoints with its costs when it had few. */
export async function catalogGrowth(bench: Bench): Promise<void> {
  const grown: Grown[] = []
  try {
    for (const checkpoints of bench.scale.growth) grown.push(await grow(bench, checkpoints))
    await saving(bench, grown)
    await looking(bench, grown)
    await deciding(bench, grown)
    await writing(bench, grown)
    await savingOn(bench, grown) // last, because it adds many checkpoints to the smallest store
  } finally {
    for (const { store } of grown) await store.close()
  }
}

async function grow(bench: Bench, checkpoints: number): Promise<Grown> {
  const name = `at ${checkpoints.toLocaleString('en')}`
  const folder = await bench.fresh(`grown-${checkpoints}`)
  await writeGrownStore(folder, checkpoints)
  const store = await openStore(folder, options)
  const each: Grown = { name, checkpoints, folder, store, step: checkpoints }
  await saveNext(each)
  return each
}

async function saveNext(grown: Grown): Promise<void> {
  grown.step += 1
  await grown.store.save({ step: grown.step, files: { 'model.bin': bytes }, metrics: { val_loss: 0.5 } })
}

async function saving(bench: Bench, grown: readonly Grown[]): Promise<void> {
  const saves = Math.ceil(bench.scale.saves / 10)
  await bench.measure({
    name: 'Save 1 KiB, as a run grows',
    contenders: grown.map((each) => ({
      name: each.name,
      run: () => saveOn(each, saves),
      verify: async () => {
        const file = (await each.store.get(each.step))?.files[0]
        assertEqual(file?.sha256, sha256Of(bytes), 'The digest of the newest save')
      },
    })),
    comparisons: againstYoung(grown, { 10_000: 1.5, 100_000: 3 }),
  })
}

/** Returns the milliseconds per save. */
async function saveOn(grown: Grown, saves: number): Promise<number> {
  const began = performance.now()
  for (let saved = 0; saved < saves; saved += 1) await saveNext(grown)
  return (performance.now() - began) / saves
}

/** More saves than there are versions between two clean-ups. */
const inARow = 130

/** Measures enough saves in a row to include the periodic clean-up. */
async function savingOn(bench: Bench, grown: readonly Grown[]): Promise<void> {
  const saves = bench.scale.quick ? 2 : inARow
  await bench.measure({
    name: `Save 1 KiB, ${saves} times in a row, as a run grows (each)`,
    contenders: grown.map((each) => ({
      name: each.name,
      run: () => saveOn(each, saves),
      verify: async () => {
        assertEqual((await each.store.latest())?.step, each.step, 'The latest step')
      },
    })),
    comparisons: againstYoung(grown, { 10_000: 1.5, 100_000: 3 }),
  })
}

async function looking(bench: Bench, grown: readonly Grown[]): Promise<void> {
  const newlyOpened = (each: Grown, look: (store: CheckpointStore) => Promise<void>): Contender => ({
    name: each.name,
    run: async () => {
      await using store = await openStore(each.folder, { mode: 'shared' })
      const began = performance.now()
      await look(store)
      return performance.now() - began
    },
    verify: async () => {
      assertEqual((await each.store.latest())?.step, each.step, 'The latest step')
    },
  })
  await bench.measure({
    name: 'latest, by a process that has just opened the store',
    contenders: grown.map((each) =>
      newlyOpened(each, async (store) => {
        assertEqual((await store.latest())?.step, each.step, 'The latest step')
      }),
    ),
    comparisons: againstYoung(grown, { 10_000: 1.5, 100_000: 3 }),
  })
  await bench.measure({
    name: 'ls (all checkpoints), by a process that has just opened the store',
    contenders: grown.map((each) =>
      newlyOpened(each, async (store) => {
        const { length } = await store.list()
        assertEqual(length, each.step, 'The count of checkpoints')
      }),
    ),
    comparisons: againstYoung(grown, {}),
  })
}

async function deciding(bench: Bench, grown: readonly Grown[]): Promise<void> {
  const deciding: Contender[] = []
  const stores: CheckpointStore[] = []
  for (const each of grown) {
    const store = await openStore(each.folder, { ...options, retention, mode: 'shared' })
    stores.push(store)
    let dropped = 0
    deciding.push({
      name: each.name,
      run: async () => {
        dropped = (await store.prune({ dryRun: true })).dropped.length
        return undefined
      },
      verify: async () => {
        const listed = (await each.store.list()).length
        if (dropped > 0 && dropped < listed) return
        throw new Error(
          `The retention drops ${dropped} of ${listed} checkpoints. It must drop some, but not all`,
        )
      },
    })
  }
  await bench.measure({
    name: 'A retention decision (keepLast, keepEvery, keepBest), dry run',
    contenders: deciding,
    comparisons: againstYoung(grown, {}),
  })
  for (const store of stores) await store.close()
}

async function writing(bench: Bench, grown: readonly Grown[]): Promise<void> {
  await bench.measure({
    name: 'Bytes that a commit writes, as a run grows',
    unit: 'bytes',
    rounds: Math.min(3, bench.scale.rounds),
    contenders: grown.map((each) => ({
      name: each.name,
      run: async () => {
        const before = await sizesOfDocuments(each.folder)
        await each.store.pin(each.step)
        const after = await sizesOfDocuments(each.folder)
        return [...after].reduce((sum, [path, size]) => (before.has(path) ? sum : sum + size), 0)
      },
      verify: async () => {
        const latest = await each.store.latest()
        if (latest?.pinned === undefined) throw new Error('The newest checkpoint is not pinned')
      },
    })),
    comparisons: againstYoung(grown, {}),
  })
}

/** Returns the sizes of a store's documents by path, without the contents of checkpoints. */
async function sizesOfDocuments(folder: string): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (!entry.isFile() || path.startsWith(join(folder, 'data'))) continue
    sizes.set(path, (await stat(path)).size)
  }
  return sizes
}

function againstYoung(
  grown: readonly Grown[],
  goals: Readonly<Record<number, number>>,
): readonly Comparison[] {
  const [young, ...older] = grown
  if (young === undefined) return []
  return older.map(({ name, checkpoints }) => {
    const atMost = goals[checkpoints]
    return {
      text: `itself ${young.name}`,
      of: name,
      against: { which: 'fastest', names: [young.name] },
      ...(atMost === undefined ? {} : { atMost }),
    }
  })
}
