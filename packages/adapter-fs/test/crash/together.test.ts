import { Volume } from 'memfs'
import { describe, expect, test } from 'vitest'
import { Cloning } from '../../src/clone.ts'
import type { FileSystem } from '../../src/index.ts'
import { FolderSyncs } from '../../src/folder-syncs.ts'
import { DurableFolders } from '../../src/folders.ts'
import { Names } from '../../src/names.ts'
import { put } from '../../src/put.ts'
import { SeenFolders } from '../../src/seen-folders.ts'
import { CrashModel, lossesOf } from './crash-model.ts'
import { gated } from './recorder.ts'
import { unhurried } from './unhurried.ts'

const root = '/store'

/** Orders of the calls that are tried. */
const orders = 60

const keys = ['a/1', 'a/2', 'a/3', 'a/4', 'a/5', 'b/c/1', 'b/c/2', 'b/c/3']

function contentOf(key: string): Buffer {
  return Buffer.from(key.repeat(20))
}

/** What a crash could break: a name that was answered for and is gone, or one whose bytes are not all there. */
function broken(model: CrashModel, answered: ReadonlySet<string>, seed: number): string | undefined {
  for (const loss of lossesOf(model, seed)) {
    const { files } = model.afterCrash(loss)
    for (const key of keys) {
      const found = files.get(`${root}/${key}`)
      if (found === undefined && answered.has(key)) return `${key} was answered for, and is gone`
      if (found?.equals(contentOf(key)) === false) return `${key} is there, and not whole`
    }
  }
  return undefined
}

/** Puts all keys at once, in one of the orders, and looks before each effect and at the end what a crash would break. */
async function putTogether(
  seed: number,
  syncsOf: (fileSystem: FileSystem) => FolderSyncs,
): Promise<readonly string[]> {
  const volume = Volume.fromJSON({})
  volume.mkdirSync(root)
  const model = new CrashModel(root)
  const answered = new Set<string>()
  const found: string[] = []
  const look = (): void => {
    const what = broken(model, answered, seed)
    if (what !== undefined) found.push(what)
  }
  const recorded = gated(volume, (effect) => {
    look()
    model.apply(effect)
    return undefined
  })
  const fileSystem = unhurried(recorded, seed)
  const seen = new SeenFolders(fileSystem)
  const folders = new DurableFolders(fileSystem, seen, syncsOf(fileSystem))
  const names = new Names(root, `file://${root}`, 'linux')
  const disk = { fileSystem, names, seen, folders, cloning: new Cloning() }
  await Promise.all(
    keys.map(async (key) => {
      await put(disk, key, contentOf(key), {})
      answered.add(key)
    }),
  )
  look()
  return found
}

/** Answers with the fsync that goes on, which may have begun before the name was changed. */
class JoinsWhatGoesOn extends FolderSyncs {
  readonly #underWay = new Map<string, Promise<void>>()

  override sync(folder: string): Promise<void> {
    const underWay =
      this.#underWay.get(folder) ??
      super.sync(folder).finally(() => {
        this.#underWay.delete(folder)
      })
    this.#underWay.set(folder, underWay)
    return underWay
  }
}

/** Takes a folder that was synced once for one that stays so. */
class SyncsOnce extends FolderSyncs {
  readonly #synced = new Map<string, Promise<void>>()

  override sync(folder: string): Promise<void> {
    const synced = this.#synced.get(folder) ?? super.sync(folder)
    this.#synced.set(folder, synced)
    return synced
  }
}

/** Begins the fsync, and does not wait for it. */
class WaitsForNone extends FolderSyncs {
  override sync(folder: string): Promise<void> {
    void super.sync(folder)
    return Promise.resolve()
  }
}

async function foundInAnyOrder(syncsOf: (fileSystem: FileSystem) => FolderSyncs): Promise<readonly string[]> {
  for (let seed = 1; seed <= orders; seed += 1) {
    const found = await putTogether(seed, syncsOf)
    if (found.length > 0) return found
  }
  return []
}

describe('concurrent puts in any order, with a crash at any effect and any loss', () => {
  test('keep everything that was acknowledged, and leave nothing partial', async () => {
    expect(await foundInAnyOrder((fileSystem) => new FolderSyncs(fileSystem))).toEqual([])
  })

  test.each([JoinsWhatGoesOn, SyncsOnce, WaitsForNone])(
    'are caught where the sharing is $name',
    async (Syncs) => {
      const [first] = await foundInAnyOrder((fileSystem) => new Syncs(fileSystem))
      expect(first).toMatch(/was answered for, and is gone/)
    },
  )
})
