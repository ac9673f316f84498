import * as promises from 'node:fs/promises'
import { join } from 'node:path'
import { Volume } from 'memfs'
import { describe, expect, test } from 'vitest'
import { temporaryFolder } from '../folders.ts'
import {
  CrashModel,
  fileSystemOf,
  type Loss,
  lossesOf,
  lossesOfNewest,
  lossesOfOne,
  type Tree,
  treesAfter,
} from './crash-model.ts'
import type { Effect } from './effects.ts'
import { type Gate, gated } from './recorder.ts'
import { type Known, openOn, root, scenario } from './scenario.ts'

interface Run {
  readonly effects: readonly Effect[]
  readonly model: CrashModel
  /** The acknowledged state. `ifDone` is the state if the interrupted step had completed. */
  readonly known: Known
  readonly ifDone: Known
  /** The states that were acknowledged before, the oldest first. */
  readonly earlier: readonly Known[]
  readonly cut: string
}

/** How a disk differs from one that keeps the guarantees of POSIX. */
interface Disk {
  /** These syncs do nothing. */
  readonly forgotten?: 'sync file' | 'sync folder' | 'sync of a clone'
  /** Whether unchanged files are cloned. Default: they are linked. */
  readonly clones?: boolean
  readonly platform?: NodeJS.Platform
  /** The losses that a crash can cause. Default: any. */
  readonly losses?: (model: CrashModel, seed: number) => readonly Loss[]
  /** Whether a crash may also lose what was acknowledged, so that an earlier state remains. */
  readonly mayGoBack?: boolean
}

/** Runs the scenario until the crash. `Infinity` runs all of it. */
async function runUntil(crashAt: number, { forgotten, clones = false, platform }: Disk = {}): Promise<Run> {
  const volume = Volume.fromJSON({})
  volume.mkdirSync(root)
  const model = new CrashModel(root)
  const effects: Effect[] = []
  const crashed = Promise.withResolvers<'crashed'>()
  const gate: Gate = (effect) => {
    if (effects.length >= crashAt) {
      crashed.resolve('crashed')
      return new Promise<never>(() => undefined)
    }
    if (!isForgotten(effect, effects, forgotten)) model.apply(effect)
    effects.push(effect)
    return undefined
  }
  const fileSystem = gated(volume, gate, { clones })
  let known: Known = new Map()
  const earlier: Known[] = []
  let store = openOn(fileSystem, {}, platform)
  for (const { name, run, after } of scenario(fileSystem, platform)) {
    const ended = await Promise.race([run(store), crashed.promise])
    if (ended === 'crashed') return { effects, model, known, ifDone: after(known), earlier, cut: name }
    store = ended
    earlier.push(known)
    known = after(known)
  }
  return { effects, model, known, ifDone: known, earlier, cut: 'nothing' }
}

function isForgotten(effect: Effect, before: readonly Effect[], forgotten: Disk['forgotten']): boolean {
  if (forgotten !== 'sync of a clone') return effect.kind === forgotten
  return (
    effect.kind === 'sync file' && before.some((each) => each.kind === 'clone' && each.to === effect.path)
  )
}

/** Checks that the store opens, lists and verifies the checkpoints of one of these states, and accepts another save. */
async function holdsOneOf(states: readonly Known[], tree: Tree): Promise<void> {
  const store = openOn(fileSystemOf(tree))
  const listed = new Map((await store.list()).map(({ step, tags: [content = ''] }) => [step, content]))
  expect(states).toContainEqual(listed)
  expect((await store.verify()).checkpoints.filter(({ problems }) => problems.length > 0)).toEqual([])
  await store.save({ step: 100, files: { a: Buffer.from('after the crash') } })
  expect((await store.latest())?.step).toBe(100)
  await store.sweep()
  expect((await store.verify()).good).toBe(true)
  await store.close()
}

interface Findings {
  readonly states: number
  /** The steps that at least one crash interrupted. */
  readonly cut: ReadonlySet<string>
  readonly violation: Error | undefined
}

/** Crashes before every `stride`-th effect with every possible loss, until a promise is broken. */
async function crashEverywhere(stride: number, disk: Disk = {}): Promise<Findings> {
  const { losses = lossesOf, mayGoBack = false } = disk
  const { effects } = await runUntil(Infinity, disk)
  const cut = new Set<string>()
  let states = 0
  for (let crashAt = 0; crashAt < effects.length; crashAt += stride) {
    const { model, known, ifDone, earlier, cut: interrupted } = await runUntil(crashAt, disk)
    cut.add(interrupted)
    for (const tree of treesAfter(model, losses(model, crashAt))) {
      states += 1
      try {
        await holdsOneOf([known, ifDone, ...(mayGoBack ? earlier : [])], tree)
      } catch (error) {
        const names = [...tree.files].map(([path, bytes]) => `${path} ${bytes.byteLength}`).join('\n')
        const where = `crash before effect ${crashAt}, during "${interrupted}"`
        return { states, cut, violation: new Error(`${where}:\n${names}`, { cause: error }) }
      }
    }
  }
  return { states, cut, violation: undefined }
}

/** Returns how the scenario shares unchanged files. */
async function sharedBy(disk: Disk): Promise<readonly Effect['kind'][]> {
  const { effects } = await runUntil(Infinity, disk)
  return effects.flatMap((effect) =>
    'from' in effect && effect.kind !== 'rename' && effect.from.endsWith('/frozen.bin') ? [effect.kind] : [],
  )
}

/** Declares the tests of crashes before every `stride`-th effect. */
export function testCrashes(stride: number): void {
  const where = stride === 1 ? 'any effect' : `one effect in ${stride}`
  describe(`a crash at ${where}, with any loss of unsynced data`, () => {
    test('keeps all acknowledged checkpoints, and leaves nothing partial', async () => {
      expect(await sharedBy({})).toEqual(['link'])
      const { states, cut, violation } = await crashEverywhere(stride)
      expect(violation).toBeUndefined()
      expect(cut.size).toBeGreaterThanOrEqual(9) // a repair that finds nothing to do has no effects
      expect(states).toBeGreaterThan(1000 / stride)
    })

    test.each(['sync file', 'sync folder'] as const)(
      'is detected as data loss if the store never calls "%s"',
      async (forgotten) => {
        expect((await crashEverywhere(stride, { forgotten })).violation).toBeDefined()
      },
    )
  })

  describe(`a crash of Windows at ${where}, which syncs no folder`, () => {
    const disk = { platform: 'win32', losses: lossesOfNewest } as const
    test('leaves an earlier acknowledged state whole, if only the newest changes of names are lost', async () => {
      const { cut, violation } = await crashEverywhere(stride, { ...disk, mayGoBack: true })
      expect(violation).toBeUndefined()
      expect(cut.size).toBeGreaterThanOrEqual(9)
    })

    test('can lose acknowledged checkpoints', async () => {
      expect((await crashEverywhere(stride, disk)).violation).toBeDefined()
    })

    test('can break checkpoints if an older change is lost, and newer ones are not', async () => {
      const { violation } = await crashEverywhere(stride, { ...disk, losses: lossesOfOne, mayGoBack: true })
      expect(violation).toBeDefined()
    })
  })
}

/** Declares the tests of crashes before every `stride`-th effect on a disk that clones unchanged files. */
export function testCrashesWithClones(stride: number): void {
  const where = stride === 1 ? 'any effect' : `one effect in ${stride}`
  describe(`a crash at ${where}, on a disk with clones`, () => {
    test('keeps all acknowledged checkpoints, and leaves nothing partial', async () => {
      expect(await sharedBy({ clones: true })).toEqual(['clone'])
      const { violation } = await crashEverywhere(stride, { clones: true })
      expect(violation).toBeUndefined()
    })

    test('is detected as data loss if the store never syncs a clone', async () => {
      const disk = { clones: true, forgotten: 'sync of a clone' } as const
      expect((await crashEverywhere(stride, disk)).violation).toBeDefined()
    })
  })
}

/** Declares a test of the crash model itself. */
export function testCrashModel(): void {
  test.each([false, true])('has the same files as a disk if nothing is lost, clones: %s', async (clones) => {
    const { effects, model } = await runUntil(Infinity, { clones })
    const folder = await temporaryFolder()
    const place = (path: string): string => join(folder, path)
    await promises.mkdir(place(root))
    for (const effect of effects) await applyToDisk(effect, place)
    const expected = model.afterCrash({ keeps: () => true, fate: 'kept' })
    const found = (await promises.readdir(place(root), { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
    expect(found.toSorted()).toEqual([...expected.files.keys()].map(place).toSorted())
    for (const [path, bytes] of expected.files) expect(await promises.readFile(place(path))).toEqual(bytes)
  })
}

async function applyToDisk(effect: Effect, place: (path: string) => string): Promise<void> {
  switch (effect.kind) {
    case 'create':
      await promises.writeFile(place(effect.path), '', { flag: 'wx' })
      return
    case 'write': {
      const handle = await promises.open(place(effect.path), 'r+')
      await handle.write(effect.bytes, 0, effect.bytes.byteLength, effect.position)
      await handle.close()
      return
    }
    case 'sync file':
    case 'sync folder':
      return
    case 'mkdir':
    case 'rmdir':
    case 'unlink':
      await promises[effect.kind](place(effect.path))
      return
    case 'clone':
      await promises.copyFile(place(effect.from), place(effect.to))
      return
    case 'link':
    case 'rename':
      await promises[effect.kind](place(effect.from), place(effect.to))
  }
}
