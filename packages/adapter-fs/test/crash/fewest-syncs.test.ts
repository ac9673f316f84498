import { CheckpointStore } from '@holdfast/core'
import { Volume } from 'memfs'
import { describe, expect, test } from 'vitest'
import { FileBackend, type FileSystem } from '../../src/index.ts'
import { CrashModel, fileSystemOf, type Tree, treesAfterCrash } from './crash-model.ts'
import type { Effect } from './effects.ts'
import { gated } from './recorder.ts'
import { openOn, root } from './scenario.ts'
import { unhurried } from './unhurried.ts'

interface SmallSave {
  /** The effects of opening a store and saving step 1. */
  readonly before: readonly Effect[]
  /** The effects of saving 4 KiB as step 2, up to its acknowledgement. */
  readonly effects: readonly Effect[]
}

/** The number of orders of calls to try. */
const orders = 25

async function recordSmallSave(
  delayed = (fileSystem: FileSystem): FileSystem => fileSystem,
): Promise<SmallSave> {
  const volume = Volume.fromJSON({})
  volume.mkdirSync(root)
  const recorded: Effect[] = []
  const recorder = gated(volume, (effect) => {
    recorded.push(effect)
    return undefined
  })
  const fileSystem = delayed(recorder)
  const store = new CheckpointStore(new FileBackend(root, { fileSystem }))
  await store.save({ step: 1, files: { 'model.bin': Buffer.alloc(4096, 1) } })
  await store.flush()
  const before = [...recorded]
  await store.save({ step: 2, files: { 'model.bin': Buffer.alloc(4096, 2) } })
  const effects = recorded.slice(before.length)
  await store.close()
  return { before, effects }
}

const inOrder = await recordSmallSave()

/** The syncs of the save, by what they make durable. The names of attempts and temporary files are random. */
const syncs = inOrder.effects.flatMap((effect, index) =>
  effect.kind === 'sync file' || effect.kind === 'sync folder'
    ? [{ index, name: `${effect.kind} ${nameOf(effect.path)}` }]
    : [],
)

function nameOf(path: string): string {
  return path
    .slice(root.length)
    .replace(/\/2-\d+-[0-9a-f]{16}/, '/ATTEMPT')
    .replace(/\/\.holdfast-[^/]*$/, '/TEMPORARY')
}

/** Returns how a crash breaks a promise if one sync of the save is left out; `undefined` if no crash does. */
async function violationWithout(
  left: number,
  { before, effects }: SmallSave = inOrder,
): Promise<string | undefined> {
  // A crash after the acknowledgement loses most, so it is tried first.
  for (let crashAt = effects.length; crashAt > 0; crashAt -= 1) {
    const model = new CrashModel(root)
    for (const effect of before) model.apply(effect)
    for (const [index, effect] of effects.slice(0, crashAt).entries()) if (index !== left) model.apply(effect)
    for (const tree of treesAfterCrash(model, crashAt)) {
      const found = await violationIn(tree, crashAt === effects.length)
      if (found !== undefined) return found
    }
  }
  return undefined
}

async function violationIn(tree: Tree, isAcknowledged: boolean): Promise<string | undefined> {
  const store = openOn(fileSystemOf(tree))
  try {
    const steps = (await store.list()).map(({ step }) => step)
    if (!steps.includes(1) || (isAcknowledged && !steps.includes(2)))
      return `steps ${steps.join(', ')} are left`
    const { checkpoints } = await store.verify()
    return checkpoints.flatMap(({ problems }) => problems)[0]
  } catch (error) {
    return String(error)
  } finally {
    await store.close()
  }
}

/**
 * The sync that is not needed for these promises. It makes the names of the files durable before the manifest exists, so that a
 * repair of a lost catalog never finds a manifest without its files. `bench/LIMITS.md` lists what each sync is for.
 */
const forRepair = 2

/** Returns a manifest that a crash leaves without its file. A repair of a lost catalog would find it. */
function tornBy({ before, effects }: SmallSave): string | undefined {
  const model = new CrashModel(root)
  for (const effect of before) model.apply(effect)
  for (const [index, effect] of effects.entries()) {
    model.apply(effect)
    for (const { files } of treesAfterCrash(model, index))
      for (const path of files.keys())
        if (path.endsWith('/manifest.json') && !files.has(path.replace('manifest.json', 'model.bin')))
          return path
  }
  return undefined
}

describe('a save of 4 KiB', () => {
  test('makes seven syncs', () => {
    expect(syncs.map(({ name }) => name)).toEqual([
      'sync folder /data',
      'sync file /data/ATTEMPT/TEMPORARY',
      'sync folder /data/ATTEMPT',
      'sync file /data/ATTEMPT/TEMPORARY',
      'sync folder /data/ATTEMPT',
      'sync file /catalog/TEMPORARY',
      'sync folder /catalog',
    ])
  })

  test('breaks no promise at any crash', async () => {
    expect(await violationWithout(-1)).toBeUndefined()
  })

  test.each(syncs.filter((_, order) => order !== forRepair))(
    'loses a checkpoint, or a part of one, without: $name',
    async ({ index }) => {
      expect(await violationWithout(index)).toBeDefined()
    },
  )

  test('loses nothing without the sync that only a repair relies on', async () => {
    expect(await violationWithout(syncs[forRepair]?.index ?? -1)).toBeUndefined()
  })

  test.each(Array.from({ length: orders }, (_, seed) => seed))(
    'breaks no promise at any crash if its calls overtake each other (seed %i)',
    async (seed) => {
      const save = await recordSmallSave((fileSystem) => unhurried(fileSystem, seed))
      expect(tornBy(save)).toBeUndefined()
      expect(await violationWithout(-1, save)).toBeUndefined()
    },
  )
})
