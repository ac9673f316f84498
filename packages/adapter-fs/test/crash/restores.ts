import { CheckpointStore, MemoryBackend, systemEnvironment } from '@holdfast/core'
import { Volume } from 'memfs'
import { describe, expect, test } from 'vitest'
import { CrashModel, lossesOf, lossesOfNewest, type Tree, treesAfter, volumeOf } from './crash-model.ts'
import type { Effect } from './effects.ts'
import { type Gate, gated } from './recorder.ts'

const root = '/work'
const destination = `${root}/to`

/** The contents of the files at the destination, by name. */
type Files = Readonly<Record<string, string>>

const first: Files = { 'model.bin': 'old model', 'log/a.txt': 'old log' }
const second: Files = { 'model.bin': 'new model', 'log/a.txt': 'new log', 'log/b.txt': 'another log' }
const third: Files = { next: 'next' }

/** Restores a step of a store with three checkpoints into the given file system. */
type Restore = (volume: Volume, gate: Gate, step: number) => Promise<void>

async function restoring(): Promise<Restore> {
  const backend = new MemoryBackend()
  await using store = new CheckpointStore(backend)
  for (const [index, files] of [first, second, third].entries())
    await store.save({ step: index + 1, files: buffersOf(files) })
  return async (volume, gate, step) => {
    const fileSystem = gated(volume, gate)
    const environment = {
      ...systemEnvironment,
      deliver: ((to, deliveries, options) =>
        systemEnvironment.deliver(
          to,
          deliveries,
          options,
          fileSystem,
        )) satisfies typeof systemEnvironment.deliver,
    }
    await new CheckpointStore(backend, { mode: 'shared' }, environment).restore(step, { to: destination })
  }
}

function buffersOf(files: Files): Record<string, Buffer> {
  return Object.fromEntries(Object.entries(files).map(([name, text]) => [name, Buffer.from(text)]))
}

interface Run {
  readonly effects: number
  readonly model: CrashModel
  /**
   * The files at the destination after each acknowledged restore, from none on. The last state is that if the interrupted restore
   * had completed, or is given twice if none was interrupted.
   */
  readonly states: readonly Files[]
}

/** Restores the first two checkpoints into one folder until the crash. Syncs of the kind `forgotten` do nothing. */
async function runUntil(restore: Restore, crashAt: number, forgotten?: Effect['kind']): Promise<Run> {
  const volume = Volume.fromJSON({})
  volume.mkdirSync(root)
  const model = new CrashModel(root)
  const crashed = Promise.withResolvers<'crashed'>()
  let effects = 0
  const gate: Gate = (effect) => {
    if (effects >= crashAt) {
      crashed.resolve('crashed')
      return new Promise<never>(() => undefined)
    }
    effects += 1
    if (effect.kind !== forgotten) model.apply(effect)
    return undefined
  }
  const states: Files[] = [{}]
  for (const [index, files] of [first, second].entries()) {
    const outcome = await Promise.race([restore(volume, gate, index + 1), crashed.promise])
    states.push({ ...states.at(-1), ...files })
    if (outcome === 'crashed') return { effects, model, states }
  }
  return { effects, model, states: [...states, ...states.slice(-1)] }
}

/**
 * Checks that each file is complete, as in one of these states. Then checks that the next restore leaves the files of one state, in
 * addition to its own.
 */
async function holdsOneOf(states: readonly Files[], restore: Restore, tree: Tree): Promise<void> {
  const volume = volumeOf(asOfAnEndedProcess(tree))
  for (const name of Object.keys(states.at(-1) ?? {}))
    expect(
      states.map((each) => each[name]),
      name,
    ).toContain(visible(volume)[name])
  await restore(volume, () => undefined, 3)
  expect(states.map((each) => ({ ...each, ...third }))).toContainEqual(visible(volume))
  expect(Object.keys(volume.toJSON()).filter((path) => path.includes('/.'))).toEqual([])
}

/**
 * The crashed process of the test is this process, which still runs. Renames its hidden folders as if they belonged to
 * a process that has ended.
 */
function asOfAnEndedProcess({ folders, files }: Tree): Tree {
  const renamed = (path: string): string =>
    path.replace(/(\.holdfast-restore-[0-9a-f]{16}-\d+)-\d+-/, (_, owner: string) => `${owner}-1-`)
  return {
    folders: folders.map(renamed),
    files: new Map([...files].map(([path, bytes]) => [renamed(path), bytes])),
  }
}

function visible(volume: Volume): Files {
  const prefix = `${destination}/`
  const files: Record<string, string> = {}
  for (const [path, text] of Object.entries(volume.toJSON())) {
    if (text !== null && path.startsWith(prefix) && !path.includes('/.'))
      files[path.slice(prefix.length)] = text
  }
  return files
}

/** How a disk differs from one that keeps the guarantees of POSIX. */
interface Disk {
  /** Syncs of this kind do nothing. */
  readonly forgotten?: Effect['kind']
  /** Whether a crash loses the newest changes of names only. The state can then be that after an earlier restore. */
  readonly losesNewest?: boolean
}

/**
 * Crashes before every `stride`-th effect, with at most `mostSubsets` subsets of the possible losses, until a promise
 * is broken.
 */
async function crashEverywhere(
  stride: number,
  mostSubsets: number,
  { forgotten, losesNewest = false }: Disk = {},
): Promise<{ readonly states: number; readonly violation: Error | undefined }> {
  const restore = await restoring()
  const { effects } = await runUntil(restore, Infinity, forgotten)
  let states = 0
  for (let crashAt = 0; crashAt <= effects; crashAt += stride) {
    const { model, states: acknowledged } = await runUntil(restore, crashAt, forgotten)
    const losses = losesNewest ? lossesOfNewest(model, crashAt) : lossesOf(model, crashAt, mostSubsets)
    for (const tree of treesAfter(model, losses)) {
      states += 1
      try {
        await holdsOneOf(losesNewest ? acknowledged : acknowledged.slice(-2), restore, tree)
      } catch (error) {
        const names = [...tree.files].map(([path, bytes]) => `${path} ${bytes.byteLength}`).join('\n')
        return { states, violation: new Error(`crash before effect ${crashAt}:\n${names}`, { cause: error }) }
      }
    }
  }
  return { states, violation: undefined }
}

/** Declares the tests of crashes of a restore before every `stride`-th effect. */
export function testRestoreCrashes(stride: number, mostSubsets: number): void {
  const where = stride === 1 ? 'any effect' : `one effect in ${stride}`
  describe(`a restore that crashes at ${where}, with any loss of unsynced data`, () => {
    test('leaves complete files, old or new, and the next restore leaves the files of one checkpoint', async () => {
      const { states, violation } = await crashEverywhere(stride, mostSubsets)
      expect(violation).toBeUndefined()
      expect(states).toBeGreaterThan(100 / stride)
    })

    test.each(['sync file', 'sync folder'] as const)(
      'is detected as data loss if the restore never calls "%s"',
      async (forgotten) => {
        expect((await crashEverywhere(1, mostSubsets, { forgotten })).violation).toBeDefined()
      },
    )
  })

  describe(`a restore that crashes at ${where} on a disk that syncs no folder, as on Windows`, () => {
    test('leaves complete files, if only the newest changes of names are lost', async () => {
      const disk = { forgotten: 'sync folder', losesNewest: true } as const
      expect((await crashEverywhere(stride, mostSubsets, disk)).violation).toBeUndefined()
    })
  })
}
