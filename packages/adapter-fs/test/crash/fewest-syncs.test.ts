import { CheckpointStore } from '@holdfast/core'
import { Volume } from 'memfs'
import { describe, expect, test } from 'vitest'
import { FileBackend } from '../../src/index.ts'
import { CrashModel, fileSystemOf, type Tree, treesAfterCrash } from './crash-model.ts'
import type { Effect } from './effects.ts'
import { gated } from './recorder.ts'
import { openOn, root } from './scenario.ts'

interface SmallSave {
  /** The effects of opening a store and saving step 1. */
  readonly before: readonly Effect[]
  /** The effects of saving 4 KiB as step 2, up to its acknowledgement. */
  readonly effects: readonly Effect[]
}

async function recordSmallSave(): Promise<SmallSave> {
  const volume = Volume.fromJSON({})
  volume.mkdirSync(root)
  const recorded: Effect[] = []
  const fileSystem = gated(volume, (effect) => {
    recorded.push(effect)
    return undefined
  })
  const store = new CheckpointStore(new FileBackend(root, { fileSystem }))
  await store.save({ step: 1, files: { 'model.bin': Buffer.alloc(4096, 1) } })
  await store.flush()
  const before = [...recorded]
  await store.save({ step: 2, files: { 'model.bin': Buffer.alloc(4096, 2) } })
  const effects = recorded.slice(before.length)
  await store.close()
  return { before, effects }
}

const { before, effects } = await recordSmallSave()

/** The syncs of the save, by what they make durable. The names of attempts and temporary files are random. */
const syncs = effects.flatMap((effect, index) =>
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
async function violationWithout(left: number): Promise<string | undefined> {
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
})
