import { Volume } from 'memfs'
import { describe, expect, test } from 'vitest'
import { Cloning } from '../../src/clone.ts'
import type { FileSystem } from '../../src/index.ts'
import { FolderSyncs } from '../../src/folder-syncs.ts'
import { DurableFolders } from '../../src/folders.ts'
import { Names } from '../../src/names.ts'
import { put } from '../../src/put.ts'
import { openFlagsOn } from '../../src/read.ts'
import { SeenFolders } from '../../src/seen-folders.ts'
import { CrashModel, lossesOf } from './crash-model.ts'
import { gated } from './recorder.ts'
import { unhurried } from './unhurried.ts'

const root = '/store'

/** The number of different orders to try. */
const orders = 60

const keys = ['a/1', 'a/2', 'a/3', 'a/4', 'a/5', 'b/c/1', 'b/c/2', 'b/c/3']

function contentOf(key: string): Buffer {
  return Buffer.from(key.repeat(20))
}

/**
 * Returns a promise that a crash could break now: an acknowledged object that is missing, or an object with incomplete
 * bytes.
 */
function broken(model: CrashModel, answered: ReadonlySet<string>, seed: number): string | undefined {
  for (const loss of lossesOf(model, seed)) {
    const { files } = model.afterCrash(loss)
    for (const key of keys) {
      const found = files.get(`${root}/${key}`)
      if (found === undefined && answered.has(key)) return `${key} was acknowledged, and is missing`
      if (found?.equals(contentOf(key)) === false) return `${key} exists, and is incomplete`
    }
  }
  return undefined
}

/**
 * Puts all keys at once, in an order that depends on the seed. Looks for broken promises before each effect and at the
 * end.
 */
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
  const disk = {
    fileSystem,
    names,
    seen,
    folders,
    cloning: new Cloning(),
    openFlags: openFlagsOn(process.platform),
  }
  await Promise.all(
    keys.map(async (key) => {
      await put(disk, key, contentOf(key), {})
      answered.add(key)
    }),
  )
  look()
  return found
}

/** Returns the running fsync, which may have begun before the change of the name. */
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

/** Treats a folder that was synced once as durable for ever. */
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
  test('keep all acknowledged objects, and leave nothing partial', async () => {
    expect(await foundInAnyOrder((fileSystem) => new FolderSyncs(fileSystem))).toEqual([])
  })

  test.each([JoinsWhatGoesOn, SyncsOnce, WaitsForNone])(
    'are detected as data loss if folders are synced by $name',
    async (Syncs) => {
      const [first] = await foundInAnyOrder((fileSystem) => new Syncs(fileSystem))
      expect(first).toMatch(/was acknowledged, and is missing/)
    },
  )
})
