import * as promises from 'node:fs/promises'
import { chmod, link, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  CheckpointStore,
  copyCheckpoints,
  type Environment,
  type RetentionOptions,
  type SaveRequest,
  type StoreOptions,
  systemEnvironment,
} from '@holdfast/core'
import { codeOf } from '@holdfast/conformance/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { FileBackend, type FileSystem } from '../src/index.ts'
import { temporaryFolder } from './folders.ts'
import { recordingFileSystem } from './recording.ts'

const frozen = Buffer.alloc(3 * 2 ** 20 + 7, 'frozen')

/** A file system on which every clone succeeds. Calls with the path of the original. */
function withClones(onClone: (from: string) => void): FileSystem {
  return {
    ...promises,
    copyFile: (from, to) => {
      onClone(String(from))
      return promises.copyFile(from, to, promises.constants.COPYFILE_EXCL)
    },
  }
}

/** A file system without clones, so that files are linked. */
const withoutClones: FileSystem = {
  ...promises,
  copyFile: () => Promise.reject(Object.assign(new Error('no clones'), { code: 'ENOTSUP' })),
}

async function openStore(
  retention: RetentionOptions = {},
  fileSystem: (root: string) => FileSystem = () => withoutClones,
): Promise<{ readonly root: string; readonly store: CheckpointStore }> {
  const root = await temporaryFolder()
  const backend = new FileBackend(root, { fileSystem: fileSystem(root) })
  const store = new CheckpointStore(backend, { unchanged: 'link', retention })
  onTestFinished(() => store.close())
  return { root, store }
}

function request(step: number, content: Record<string, Uint8Array> = {}): SaveRequest {
  return { step, files: { 'head.bin': Buffer.from(`head ${step}`), 'backbone.bin': frozen, ...content } }
}

/** The inode of a file of each listed step, in the order of steps. */
async function inodes(root: string, store: CheckpointStore, name = 'backbone.bin'): Promise<number[]> {
  const listed = await store.list()
  return Promise.all(listed.map(async ({ step }) => (await stat(await pathOf(root, store, step, name))).ino))
}

async function pathOf(root: string, store: CheckpointStore, step: number, name: string): Promise<string> {
  const file = (await store.get(step))?.files.find((each) => each.name === name)
  return join(root, file?.key ?? '')
}

describe("unchanged: 'link'", () => {
  test('shares unchanged files, never between neighbours, and keeps two physical copies', async () => {
    const { root, store } = await openStore()
    const saved = []
    for (let step = 1; step <= 6; step += 1) saved.push(await store.save(request(step)))
    const [first, second, ...others] = await inodes(root, store)
    expect(first).not.toBe(second)
    expect(others).toEqual([first, second, first, second])
    expect(saved.map(({ unchangedBytes }) => unchangedBytes > 0)).toEqual([
      false,
      false,
      true,
      true,
      true,
      true,
    ])
    expect(new Set(await inodes(root, store, 'head.bin')).size).toBe(6)
    expect((await store.verify()).good).toBe(true)
  })

  test('lets at most 8 checkpoints share a file', async () => {
    const { root, store } = await openStore()
    for (let step = 1; step <= 20; step += 1) await store.save(request(step))
    const found = await inodes(root, store)
    const counts = [...Map.groupBy(found, (inode) => inode).values()].map(({ length }) => length)
    expect(Math.max(...counts)).toBe(8)
    for (const [index, inode] of found.slice(1).entries()) expect(inode).not.toBe(found[index])
  })

  test.each<RetentionOptions>([
    { keepLast: 1 },
    { keepLast: 2 },
    { keepLast: 3 },
    { keepEvery: { steps: 2 }, keepLast: 1 },
    { keepEvery: { steps: 3 }, keepLast: 2 },
    { maxCount: 4 },
  ])('keeps two physical copies among the checkpoints that %j keeps', async (retention) => {
    const { root, store } = await openStore(retention)
    for (let step = 1; step <= 12; step += 1) {
      await store.save(request(step))
      await store.flush()
      const found = await inodes(root, store)
      if (found.length > 1) expect(new Set(found).size).toBeGreaterThan(1)
      expect((await store.verify()).good).toBe(true)
    }
  })

  test('keeps each checkpoint whole while others are deleted, replaced, pruned, swept and copied', async () => {
    const { root, store } = await openStore()
    for (let step = 1; step <= 6; step += 1) await store.save(request(step))
    await store.delete([1, 2])
    await store.save({ ...request(3, { 'head.bin': Buffer.from('replaced') }), onExisting: 'replace' })
    await store.rewind(4)
    await store.save(request(7))
    await store.sweep()
    await store.flush()
    expect((await store.verify()).good).toBe(true)
    const to = await temporaryFolder()
    const copy = new CheckpointStore(new FileBackend(to))
    onTestFinished(() => copy.close())
    await copyCheckpoints(store, copy)
    expect((await copy.verify()).good).toBe(true)
    expect(new Set(await inodes(to, copy)).size).toBe((await copy.list()).length)
    const listed = await store.list()
    await store.delete(listed.slice(0, -1).map(({ step }) => step))
    await store.flush()
    const last = listed.at(-1)?.step ?? 0
    expect(await readFile(await pathOf(root, store, last, 'backbone.bin'))).toEqual(frozen)
    expect((await copy.verify()).good).toBe(true)
  })

  test('writes a second copy again after a prune that deletes one', async () => {
    const { root, store } = await openStore()
    for (let step = 1; step <= 4; step += 1) await store.save(request(step))
    await store.delete([1, 3])
    expect(new Set(await inodes(root, store)).size).toBe(1)
    await store.save(request(5))
    expect(new Set(await inodes(root, store)).size).toBe(2)
  })

  test('reports a shared file that was modified in place in every checkpoint, and that it is shared', async () => {
    const { root, store } = await openStore()
    for (let step = 1; step <= 4; step += 1) await store.save(request(step))
    const path = await pathOf(root, store, 1, 'backbone.bin')
    await chmod(path, 0o600)
    const handle = await promises.open(path, 'r+')
    await handle.write(Buffer.from('?'), 0, 1, 100)
    await handle.close()
    const { checkpoints } = await store.verify()
    expect(checkpoints.map(({ problems }) => problems)).toEqual([
      [expect.stringMatching(/^backbone\.bin differs .* shared with step 3$/)],
      [],
      [expect.stringMatching(/^backbone\.bin differs .* shared with step 1$/)],
      [],
    ])
    // A damaged file is not shared any more.
    await store.save(request(5))
    expect((await store.verify({ steps: [5] })).good).toBe(true)
    const [first, , third, , fifth] = await inodes(root, store)
    expect(third).toBe(first)
    expect(fifth).not.toBe(first)
  })

  test('names the checkpoints that share truncated files, and reads the manifest of each once', async () => {
    let manifests = 0
    const { root, store } = await openStore({}, () => ({
      ...withoutClones,
      open: (path, ...others) => {
        if (String(path).endsWith('/manifest.json')) manifests += 1
        return promises.open(path, ...others)
      },
    }))
    const frozenToo = { 'encoder.bin': frozen, 'tokenizer.bin': frozen }
    for (let step = 1; step <= 4; step += 1) await store.save(request(step, frozenToo))
    const names = ['backbone.bin', 'encoder.bin', 'tokenizer.bin']
    for (const name of names) {
      const path = await pathOf(root, store, 1, name)
      await chmod(path, 0o600)
      await promises.truncate(path, 100)
    }
    manifests = 0
    const { checkpoints } = await store.verify({ steps: [1], quick: true })
    expect(checkpoints[0]?.problems).toEqual(
      names.map((name) => expect.stringMatching(`^${name} has 100 bytes.*shared with step 3$`) as string),
    )
    expect(manifests).toBe(2)
  })

  test('does not share a file whose permissions differ', async () => {
    const { root, store } = await openStore()
    const folder = await temporaryFolder()
    const path = join(folder, 'backbone.bin')
    await writeFile(path, frozen)
    for (const [step, mode] of [0o644, 0o644, 0o600, 0o644].entries()) {
      await chmod(path, mode)
      await store.save({ step, files: { 'backbone.bin': path, 'step.txt': Buffer.from(String(step)) } })
    }
    const found = await inodes(root, store)
    expect(new Set(found).size).toBe(4)
  })

  test('stores the file if it has 8 names, also names that others have made', async () => {
    const { root, store } = await openStore()
    for (let step = 1; step <= 2; step += 1) await store.save(request(step))
    const path = await pathOf(root, store, 1, 'backbone.bin')
    for (let name = 2; name <= 8; name += 1) await link(path, join(await temporaryFolder(), 'link'))
    expect(await store.save(request(3))).toMatchObject({ unchangedBytes: 0 })
  })

  test('makes a link durable by syncing its folder, and writes no bytes', async () => {
    const calls: string[] = []
    const { store } = await openStore({}, (root) => ({
      ...recordingFileSystem(root, (call) => calls.push(call)),
      copyFile: withoutClones.copyFile,
    }))
    for (let step = 1; step <= 2; step += 1) await store.save(request(step))
    calls.length = 0
    const { files } = await store.save({ step: 3, files: { 'backbone.bin': frozen } })
    const folder = files[0]?.key.split('/').slice(0, 2).join('/') ?? ''
    const own = calls.filter((call) => call.includes(folder))
    expect(own.slice(0, 4)).toEqual([
      `mkdir ${folder}`,
      expect.stringMatching(`^link data/.*/backbone.bin ${folder}/TMP$`),
      `rename ${folder}/TMP ${folder}/backbone.bin`,
      `unlink ${folder}/TMP`,
    ])
    const manifest = own.indexOf(`rename ${folder}/TMP ${folder}/manifest.json`)
    expect(own.slice(0, manifest)).toContain(`sync ${folder}`)
    expect(own.filter((call) => call.startsWith('create '))).toEqual([`create ${folder}/TMP`]) // of the manifest
  })

  test('clones the stored file where the disk supports that, and never a file that is saved', async () => {
    const cloned: string[] = []
    const { root, store } = await openStore({}, () => withClones((from) => cloned.push(from)))
    const source = join(await temporaryFolder(), 'backbone.bin')
    await writeFile(source, frozen)
    const clonedFrom: string[][] = []
    for (let step = 1; step <= 4; step += 1) {
      cloned.length = 0
      await store.save({ step, files: { 'backbone.bin': source, 'step.txt': Buffer.from(String(step)) } })
      clonedFrom.push([...cloned])
    }
    const [first, second] = [
      await pathOf(root, store, 1, 'backbone.bin'),
      await pathOf(root, store, 2, 'backbone.bin'),
    ]
    expect(clonedFrom).toEqual([[], [], [first], [second]])
    expect((await store.verify()).good).toBe(true)
  })

  test('lets at most 8 checkpoints share a clone', async () => {
    const originals = new Map<string, number>()
    // A clone of a clone shares the blocks of the first file.
    const firstOf = new Map<string, string>()
    const { root, store } = await openStore({}, () => ({
      ...withClones(() => undefined),
      copyFile: async (from, to) => {
        await promises.copyFile(from, to, promises.constants.COPYFILE_EXCL)
        firstOf.set(String(to), firstOf.get(String(from)) ?? String(from))
      },
      rename: async (from, to) => {
        await promises.rename(from, to)
        const first = firstOf.get(String(from))
        if (first !== undefined) firstOf.set(String(to), first)
      },
    }))
    for (let step = 1; step <= 40; step += 1) await store.save(request(step))
    const copies: string[] = []
    for (const { step } of await store.list()) {
      const path = await pathOf(root, store, step, 'backbone.bin')
      copies.push(firstOf.get(path) ?? path)
    }
    for (const copy of copies) originals.set(copy, (originals.get(copy) ?? 0) + 1)
    expect(Math.max(...originals.values())).toBe(8)
    for (const [index, copy] of copies.slice(1).entries()) expect(copy).not.toBe(copies[index])
  })

  test('keeps two physical copies if a save without the file comes between', async () => {
    const cloned: string[] = []
    const { store } = await openStore({}, () => withClones((from) => cloned.push(from)))
    const source = join(await temporaryFolder(), 'backbone.bin')
    await writeFile(source, frozen)
    const save = (step: number, files: SaveRequest['files']) => store.save({ step, files })
    await save(1, { 'backbone.bin': source })
    await save(2, { 'backbone.bin': Buffer.alloc(frozen.byteLength) })
    await save(3, { 'head.bin': Buffer.from('head') })
    expect(await save(4, { 'backbone.bin': source })).toMatchObject({ unchangedBytes: 0 })
    expect(cloned).toEqual([])
  })

  test('lets saves that overlap share different copies', async () => {
    const { root, store } = await openStore({ keepLast: 3 })
    for (let step = 1; step <= 6; step += 1) await store.save(request(step))
    await Promise.all([7, 8, 9].map((step) => store.save(request(step))))
    await store.flush()
    expect((await store.list()).map(({ step }) => step)).toEqual([7, 8, 9])
    expect(new Set(await inodes(root, store)).size).toBe(3)
    for (let step = 10; step <= 12; step += 1) await store.save(request(step))
    expect(new Set(await inodes(root, store)).size).toBeGreaterThan(1)
  })

  test('shares another copy than a save that overlapped and has ended', async () => {
    const { root, store } = await openStore()
    for (let step = 1; step <= 4; step += 1) await store.save(request(step))
    const begun = Promise.withResolvers<undefined>()
    const goOn = Promise.withResolvers<undefined>()
    async function* slowly(): AsyncGenerator<Uint8Array> {
      begun.resolve(undefined)
      await goOn.promise
      yield Buffer.from('the stream is written before the backbone')
    }
    const files = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, slowly()]))
    const slow = store.save({ step: 5, files: { ...files, 'backbone.bin': frozen } })
    await begun.promise
    await store.save(request(6))
    goOn.resolve(undefined)
    await slow
    const [, , , fourth, fifth, sixth] = await inodes(root, store)
    expect(new Set([fourth, fifth, sixth]).size).toBe(3)
  })

  test('needs no free space for the files that it shares', async () => {
    let free = Infinity
    const { store } = await openStore({}, () => ({
      ...withoutClones,
      statfs: (async (path: string) => {
        const found = await promises.statfs(path)
        return Object.assign(found, { bavail: Math.min(found.bavail, Math.floor(free / found.bsize)) })
      }) as typeof promises.statfs,
    }))
    for (let step = 1; step <= 2; step += 1) await store.save(request(step))
    free = frozen.byteLength / 2
    expect(await store.save(request(3))).toMatchObject({ unchangedBytes: frozen.byteLength })
    const changed = { 'backbone.bin': Buffer.alloc(frozen.byteLength + 1) }
    expect(await codeOf(store.save(request(4, changed)))).toBe('INSUFFICIENT_SPACE')
    expect(await codeOf(store.save({ ...request(4), unchanged: 'never' }))).toBe('INSUFFICIENT_SPACE')
  })

  test.each(['modified', 'deleted'])('stores the file if the one to clone is %s meanwhile', async (what) => {
    const { store } = await openStore({}, (place) => ({
      ...promises,
      copyFile: async (from, to) => {
        await promises.copyFile(from, to, promises.constants.COPYFILE_EXCL)
        if (!String(from).startsWith(place)) return
        if (what === 'deleted') return promises.unlink(from)
        await chmod(from, 0o600)
        await writeFile(from, 'other bytes')
        await promises.copyFile(from, to)
      },
    }))
    const source = join(await temporaryFolder(), 'backbone.bin')
    await writeFile(source, frozen)
    const save = async (step: number) => store.save({ step, files: { 'backbone.bin': source } })
    for (const step of [1, 2]) await save(step)
    expect(await save(3)).toMatchObject({ unchangedBytes: 0 })
    expect((await store.verify({ steps: [3] })).good).toBe(true)
  })

  test('stores the file if a sweep of another process removes the temporary link', async () => {
    let swept = 0
    const { store } = await openStore({}, () => ({
      ...withoutClones,
      rename: async (from, to) => {
        if ((await stat(from)).nlink > 1) {
          swept += 1
          await promises.unlink(from)
        }
        await promises.rename(from, to)
      },
    }))
    for (let step = 1; step <= 2; step += 1) await store.save(request(step))
    expect(await store.save(request(3))).toMatchObject({ unchangedBytes: 0 })
    expect(swept).toBe(1)
    expect((await store.verify()).good).toBe(true)
  })

  test('never clones what it saves or copies by default, so that each checkpoint has bytes of its own', async () => {
    const cloned: string[] = []
    const fileSystem = withClones((from) => cloned.push(from))
    const [from, to] = [await temporaryFolder(), await temporaryFolder()]
    const source = join(await temporaryFolder(), 'backbone.bin')
    await writeFile(source, frozen)
    await using store = new CheckpointStore(new FileBackend(from, { fileSystem }))
    await using copy = new CheckpointStore(new FileBackend(to, { fileSystem }))
    for (let step = 1; step <= 3; step += 1) await store.save({ step, files: { 'backbone.bin': source } })
    await copyCheckpoints(store, copy)
    expect((await copy.verify()).good).toBe(true)
    expect(cloned).toEqual([])
  })

  test('stores unchanged files again by default', async () => {
    const root = await temporaryFolder()
    await using store = new CheckpointStore(new FileBackend(root, { fileSystem: withoutClones }))
    for (let step = 1; step <= 3; step += 1) await store.save(request(step))
    expect(new Set(await inodes(root, store)).size).toBe(3)
  })

  test('shares again after a repair that lists the checkpoints from their manifests', async () => {
    const { root, store } = await openStore()
    for (let step = 1; step <= 3; step += 1) await store.save(request(step))
    await store.close()
    await promises.rm(join(root, 'catalog'), { recursive: true })
    const again = new CheckpointStore(new FileBackend(root, { fileSystem: withoutClones }), {
      unchanged: 'link',
    })
    onTestFinished(() => again.close())
    await again.repair()
    await again.save(request(4))
    const [first, second, third, fourth] = await inodes(root, again)
    expect([third, fourth]).toEqual([first, second])
    expect((await again.verify()).good).toBe(true)
  })
})

test('files of a store are read-only', async () => {
  const { root, store } = await openStore()
  await store.save(request(1))
  const all = await promises.readdir(root, { recursive: true, withFileTypes: true })
  for (const entry of all.filter((each) => each.isFile()))
    expect((await stat(join(entry.parentPath, entry.name))).mode & 0o222, entry.name).toBe(0)
})

describe('a save that only compares a large file', () => {
  /** The first 8 MiB of a transfer are not limited. */
  const large = Buffer.alloc(16 * 2 ** 20, 'frozen')
  const files = { 'backbone.bin': large }

  /** Opens a store that has the file twice, on a busy machine. `pauses` gets the pauses of limits in milliseconds. */
  async function openLimited(options: StoreOptions) {
    const root = await temporaryFolder()
    const open = (more: StoreOptions, environment?: Environment): CheckpointStore => {
      const backend = new FileBackend(root, { fileSystem: withoutClones })
      const store = new CheckpointStore(backend, { mode: 'shared', unchanged: 'link', ...more }, environment)
      onTestFinished(() => store.close())
      return store
    }
    const unlimited = open({})
    for (const step of [1, 2]) await unlimited.save({ step, files })
    const pauses: number[] = []
    const store = open(options, {
      ...systemEnvironment,
      machine: { isBusy: () => Promise.resolve(true) },
      pause: async (milliseconds, signal) => {
        // Limits pause for seconds, retries for less, and closing the store waits longer.
        if (milliseconds >= 300_000) await systemEnvironment.pause(milliseconds, signal)
        else if (milliseconds >= 100) pauses.push(milliseconds)
      },
    })
    return { store, pauses }
  }

  test('keeps the rate of a busy machine in the background', async () => {
    const { store, pauses } = await openLimited({ background: { rateWhileBusy: 2 ** 20 } })
    const saved = await (await store.saveInBackground({ step: 3, files })).done
    expect(saved?.unchangedBytes).toBe(large.byteLength)
    expect(pauses.length).toBeGreaterThan(0)
  })

  test('is not slowed down by limitUpload, because it sends nothing', async () => {
    const { store, pauses } = await openLimited({ limitUpload: '100 KB/s' })
    const { unchangedBytes } = await store.save({ step: 3, files })
    expect(unchangedBytes).toBe(large.byteLength)
    expect(pauses).toEqual([])
  })
})
