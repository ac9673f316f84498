import { execFileSync } from 'node:child_process'
import { mkdir, readdir, rename, rm, symlink } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { CheckpointStore, type StoreOptions } from '@holdfast/core'
import { describe, expect, onTestFinished, test } from 'vitest'
import { FileBackend } from '../src/index.ts'
import { codeOf } from '@holdfast/conformance/testing'
import { FailingReads, type ReadCall } from './failing-reads.ts'
import { temporaryFolder } from './folders.ts'
import { systemError } from './recording.ts'

/** A store with steps 1 to 3 on a disk whose reads can fail. */
class FailingStore {
  readonly root: string
  readonly reads: FailingReads
  readonly #newestCatalog: string

  private constructor(root: string, newestCatalog: string) {
    this.root = root
    this.reads = new FailingReads(root)
    this.#newestCatalog = newestCatalog
  }

  static async create(): Promise<FailingStore> {
    const root = join(await temporaryFolder(), 'store')
    const { fileSystem } = new FailingReads(root)
    const store = new CheckpointStore(new FileBackend(root, { fileSystem }), { mode: 'shared' })
    for (const step of [1, 2, 3]) {
      await store.save({ step, files: { a: Buffer.alloc(5000, step), b: Buffer.from(`b of ${step}`) } })
    }
    await store.close()
    const catalogs = (await readdir(join(root, 'catalog'))).toSorted()
    return new FailingStore(root, `catalog/${catalogs.at(-1) ?? ''}`)
  }

  open(options: StoreOptions = { mode: 'shared' }): CheckpointStore {
    const { fileSystem } = this.reads
    const store = new CheckpointStore(new FileBackend(this.root, { fileSystem }), options)
    onTestFinished(() => store.close())
    return store
  }

  /** Returns the path of the newest catalog version, of the manifest of the newest step, or of one of its files. */
  async pathOf(what: 'catalog' | 'manifest' | 'file'): Promise<string> {
    if (what === 'catalog') return this.#newestCatalog
    const attempt = (await readdir(join(this.root, 'data'))).find((each) => each.startsWith('3-'))
    return `data/${attempt ?? ''}/${what === 'manifest' ? 'manifest.json' : 'a'}`
  }

  /** Lets calls on one path fail, at most `times` of them. */
  fail(path: string, error: Error, { times = Infinity, calls = ['open', 'read'] }: Failing = {}): void {
    let left = times
    this.reads.fault = (call, where) => {
      if (where !== path || !calls.includes(call) || left === 0) return undefined
      left -= 1
      return error
    }
  }
}

interface Failing {
  readonly times?: number
  readonly calls?: readonly ReadCall[]
}

/** Some of the errors have no name in Node.js. */
const damage: readonly Error[] = [
  systemError('EIO'),
  systemError('EREMOTEIO'),
  systemError('ENODATA'),
  systemError('EILSEQ'),
  Object.assign(new Error('EBADMSG'), { code: 'Unknown system error -74', errno: -74 }),
  Object.assign(new Error('EUCLEAN'), { code: 'Unknown system error -117', errno: -117 }),
]
const temporary: readonly Error[] = [
  systemError('EBUSY'),
  systemError('ETIMEDOUT'),
  Object.assign(new Error('ESTALE'), { code: 'Unknown system error -116', errno: -116 }),
]
const named = (errors: readonly Error[]) =>
  errors.map((error) => [error.message.replace(': injected', ''), error] as const)

describe('a read that persistently fails', () => {
  test.each(named(damage))('with %s is damage', async (_, error) => {
    const failing = await FailingStore.create()
    const path = await failing.pathOf('file')
    for (const calls of [['open'], ['read']] as const) {
      failing.fail(path, error, { calls })
      const backend = new FileBackend(failing.root, { fileSystem: failing.reads.fileSystem })
      const read = async () => Array.fromAsync((await backend.read(path)).body)
      expect(await codeOf(read())).toBe('CORRUPT')
    }
  })

  test.each(named(temporary))('with %s is UNAVAILABLE', async (_, error) => {
    const failing = await FailingStore.create()
    const path = await failing.pathOf('file')
    for (const calls of [['open'], ['read']] as const) {
      failing.fail(path, error, { calls })
      const backend = new FileBackend(failing.root, { fileSystem: failing.reads.fileSystem })
      const read = async () => Array.fromAsync((await backend.read(path)).body)
      expect(await codeOf(read())).toBe('UNAVAILABLE')
    }
  })

  test.each(['file', 'manifest'] as const)('with EIO is damage of its checkpoint (%s)', async (what) => {
    const failing = await FailingStore.create()
    failing.fail(await failing.pathOf(what), systemError('EIO'))
    const store = failing.open()
    const to = await temporaryFolder()
    expect(await codeOf(store.restore('latest', { to }))).toBe('CORRUPT')
    expect(await readdir(to)).toEqual([])
    const report = await store.verify()
    expect(report.checkpoints.map(({ problems }) => problems.length)).toEqual([0, 0, 1])
    expect(await store.restore('latest', { to, fallback: true })).toMatchObject({
      step: 2,
      passedOver: [{ step: 3, quarantined: { kind: 'recorded' } }],
    })
    await store.save({ step: 4, files: { a: Buffer.from('a') } })
    expect((await store.list()).map(({ step }) => step)).toEqual([1, 2, 4])
  })
})

describe('EIO on the newest catalog version', () => {
  test('is reported by readers', async () => {
    const failing = await FailingStore.create()
    failing.fail(await failing.pathOf('catalog'), systemError('EIO'))
    const store = failing.open()
    expect(await codeOf(store.list())).toBe('CORRUPT')
    expect(await codeOf(store.restore('latest', { to: await temporaryFolder() }))).toBe('CORRUPT')
    expect(await codeOf(store.restore(1, { to: await temporaryFolder(), fallback: true }))).toBe('no error')
  })

  test.each([['read'], ['lstat', 'open']] as const)(
    'in %s: restores, writers and repair use the newest readable version',
    async (...calls) => {
      for (const act of ['restore', 'save', 'save again', 'repair'] as const) {
        const failing = await FailingStore.create()
        const store = failing.open()
        if (act === 'save again') await store.save({ step: 4, files: { a: Buffer.from('a') } })
        const catalogs = (await readdir(join(failing.root, 'catalog'))).toSorted()
        failing.fail(`catalog/${catalogs.at(-1) ?? ''}`, systemError('EIO'), { calls })
        if (act === 'restore') {
          const to = await temporaryFolder()
          expect(await store.restore('latest', { to, fallback: true })).toMatchObject({
            step: 2,
            damagedCatalogs: [{ version: 4 }],
          })
          continue
        }
        if (act === 'repair') await store.repair()
        else await failing.open().save({ step: 5, files: { a: Buffer.from('a') } })
        if (act === 'save again') await store.save({ step: 6, files: { a: Buffer.from('a') } })
        expect((await store.list()).map(({ step }) => step)).toEqual(
          { save: [1, 2, 3, 5], 'save again': [1, 2, 3, 4, 5, 6], repair: [1, 2, 3] }[act],
        )
      }
    },
  )
})

test('rebuilds a catalog that becomes unreadable under a running writer', async () => {
  const failing = await FailingStore.create()
  const store = failing.open()
  await store.save({ step: 4, files: { a: Buffer.from('a') } })
  await failing.open().save({ step: 5, files: { a: Buffer.from('a') } })
  const catalogs = (await readdir(join(failing.root, 'catalog'))).toSorted()
  failing.fail(`catalog/${catalogs.at(-1) ?? ''}`, systemError('EIO'))
  await store.save({ step: 6, files: { a: Buffer.from('a') } })
  expect((await store.list()).map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6])
})

test('continues after EIO on the marker, and replaces it at the next save', async () => {
  const failing = await FailingStore.create()
  failing.fail('holdfast.json', systemError('EIO'))
  const store = failing.open()
  expect((await store.verify()).problems).toEqual([expect.stringContaining('holdfast.json')])
  expect((await store.restore('latest', { to: await temporaryFolder() }))?.step).toBe(3)
  await store.save({ step: 4, files: { a: Buffer.from('a') } })
})

test('reports every unreadable file in verify, and continues with the next one', async () => {
  const failing = await FailingStore.create()
  failing.reads.fault = (call, path) =>
    call === 'read' && /data\/[13]-.*\/a$/.test(path) ? systemError('EIO') : undefined
  const report = await failing.open().verify()
  expect(report.checkpoints.map(({ problems }) => problems.length)).toEqual([1, 0, 1])
  expect(report.checkpoints[0]?.problems[0]).toMatch(/EIO/)
})

test('does not treat a temporary error of the device as damage', async () => {
  const failing = await FailingStore.create()
  for (const what of ['file', 'manifest', 'catalog'] as const) {
    for (const times of [1, 2, 4]) {
      failing.fail(await failing.pathOf(what), systemError('EIO'), { times })
      const store = failing.open()
      const restored = await store.restore('latest', { to: await temporaryFolder(), fallback: true })
      expect(restored, `${what}, ${times} times`).toMatchObject({
        step: 3,
        passedOver: [],
        damagedCatalogs: [],
      })
    }
  }
})

test.each(['file', 'manifest', 'catalog'] as const)(
  'a busy %s is UNAVAILABLE, and nothing is quarantined',
  async (what) => {
    const failing = await FailingStore.create()
    failing.fail(await failing.pathOf(what), systemError('EBUSY'))
    const store = failing.open()
    const to = await temporaryFolder()
    expect(await codeOf(store.restore('latest', { to, fallback: true }))).toBe('UNAVAILABLE')
    expect(await codeOf(store.verify())).toBe('UNAVAILABLE')
    failing.reads.fault = () => undefined
    expect(await store.quarantined()).toEqual([])
  },
)

test('rejects if the catalog cannot be listed, instead of returning an empty list', async () => {
  const failing = await FailingStore.create()
  const readdirOf = failing.reads.fileSystem.readdir
  const fileSystem = {
    ...failing.reads.fileSystem,
    readdir: ((path: string, options: never) =>
      /catalog.?$/.test(path) ? Promise.reject(systemError('EIO')) : readdirOf(path, options)) as never,
  }
  const store = new CheckpointStore(new FileBackend(failing.root, { fileSystem }), { mode: 'shared' })
  expect(await codeOf(store.repair())).toBe('UNAVAILABLE')
  expect(await codeOf(store.save({ step: 4, files: { a: Buffer.from('a') } }))).toBe('UNAVAILABLE')
})

describe('another kind of file in the place of a data file', () => {
  const plants: Readonly<Record<string, (path: string) => Promise<unknown>>> = {
    'a symbolic link': async (path) => {
      await rename(path, `${path}-elsewhere`)
      await symlink(`${path}-elsewhere`, path)
    },
    'a dangling link': async (path) => {
      await rm(path)
      await symlink('/nowhere', path)
    },
    'a folder': async (path) => {
      await rm(path)
      await mkdir(path)
    },
    'a pipe': async (path) => {
      await rm(path)
      execFileSync('mkfifo', [path])
    },
    'a socket': async (path) => {
      await rm(path)
      const server = createServer()
      // The path of a socket must be short. It is created elsewhere and moved here.
      const link = join(await temporaryFolder(), 's')
      await new Promise<void>((resolve) => server.listen(link, resolve))
      await rename(link, path)
      onTestFinished(() => void server.close())
    },
  }

  test.each(Object.entries(plants))('%s is damage', async (_, plant) => {
    for (const what of ['file', 'manifest'] as const) {
      const failing = await FailingStore.create()
      await plant(join(failing.root, await failing.pathOf(what)))
      const store = failing.open()
      expect((await store.verify()).checkpoints.map(({ problems }) => problems.length)).toEqual([0, 0, 1])
      expect((await store.verify({ quick: true })).checkpoints.at(-1)?.problems).toHaveLength(1)
      const to = await temporaryFolder()
      expect(await store.restore('latest', { to, fallback: true })).toMatchObject({
        step: 2,
        passedOver: [{ step: 3, quarantined: { kind: 'recorded' } }],
      })
      expect((await store.repair()).quarantined).toEqual([])
    }
  })

  test('treats a link in the place of the folder of a checkpoint as damage', async () => {
    const failing = await FailingStore.create()
    const attempt = join(failing.root, await failing.pathOf('file'), '..')
    const elsewhere = join(await temporaryFolder(), 'elsewhere')
    await rename(attempt, elsewhere)
    await symlink(elsewhere, attempt)
    const store = failing.open()
    expect((await store.verify()).checkpoints.map(({ problems }) => problems.length)).toEqual([0, 0, 1])
    const to = await temporaryFolder()
    expect((await store.restore('latest', { to, fallback: true }))?.step).toBe(2)
  })
})
