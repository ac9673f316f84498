import { readdir, readFile, readlink, rename, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { LocalFileSystem } from '../../src/local-files/file-system.ts'
import { hiddenPrefix } from '../../src/local-files/delivery/hidden-folder.ts'
import { deliverToDirectory, type DeliveryOptions } from '../../src/local-files/delivery/to-directory.ts'
import { temporaryFolder } from '../stores.ts'
import { type Texts, writeTree } from '../trees.ts'
import { deliveriesOf, plain } from './deliveries.ts'
import { surrounded, systemError } from './gated.ts'

/** A destination, and a restore into it. A link is an arrow and its target. */
interface Scene {
  readonly before: Texts
  readonly files: Texts
  readonly after: Texts
  readonly options: Partial<DeliveryOptions>
}

const replaced = { 'model.bin': 'old model', 'sub/log.txt': 'old log' }
const others = { alias: '-> sub', 'runs/1.txt': 'run 1', 'runs/deep/2.txt': 'run 2', 'shard.bin': 'shard' }
const files = { 'model.bin': 'new model', 'new.bin': 'new file', 'sub/log.txt': 'new log' }
const behind = { 'step-6/model.bin': 'model 6' }
const linked = { 'last/deep/log.txt': 'log 5', 'last/model.bin': 'model 5', 'z.bin': 'new z' }

const scenes: readonly (readonly [string, Scene])[] = [
  [
    'removes other files',
    { before: { ...replaced, ...others }, files, after: files, options: { others: 'remove' } },
  ],
  [
    'replaces a link',
    {
      before: { ...behind, last: '-> step-6', 'z.bin': 'old z' },
      files: linked,
      after: { ...behind, ...linked },
      options: {},
    },
  ],
]

async function destinationOf({ before }: Scene): Promise<string> {
  const to = await temporaryFolder()
  const isLink = ([, text]: readonly [string, string]): boolean => text.startsWith('-> ')
  const entries = Object.entries(before)
  await writeTree(to, Object.fromEntries(entries.filter((entry) => !isLink(entry))))
  for (const [name, arrow] of entries.filter(isLink)) await symlink(arrow.slice(3), join(to, name))
  return to
}

async function treeOf(root: string, below = ''): Promise<Texts> {
  const tree: Record<string, string> = {}
  for (const child of await readdir(join(root, below), { withFileTypes: true })) {
    const name = join(below, child.name)
    if (child.isDirectory()) Object.assign(tree, await treeOf(root, name))
    else if (child.isSymbolicLink()) tree[name] = `-> ${await readlink(join(root, name))}`
    else tree[name] = await readFile(join(root, name), 'utf8')
  }
  return tree
}

interface Call {
  readonly method: string
  readonly from: string
  readonly to: string
  /** The number of the effect on the file system, from 1 on. 0 if the call only reads. */
  readonly effect: number
  /** The number of the move into the hidden folder or out of it, from 1 on. 0 if the call is none. */
  readonly change: number
}

/** The process of the restore is killed. */
class Death extends Error {}

/**
 * The real file system, whose effects happen one after the other. `before` is called before each call, and its error is that of the
 * call. After a `Death` every call fails, so nothing changes any more.
 */
function stoppable(before: (call: Call) => Promise<void> | void): LocalFileSystem {
  let effects = 0
  let changes = 0
  let isDead = false
  let earlier: Promise<unknown> = Promise.resolve()
  return surrounded((method, [first, second], call) => {
    const [from, to] = [String(first), String(second)]
    const isEffect =
      ['link', 'mkdir', 'rename', 'rmdir', 'symlink', 'unlink', 'file.write'].includes(method) ||
      (method === 'open' && to === 'wx')
    const isChange = method === 'rename' && from.includes(hiddenPrefix) !== to.includes(hiddenPrefix)
    const made = async (): Promise<unknown> => {
      if (isDead) throw systemError('EIO')
      if (isEffect) effects += 1
      if (isChange) changes += 1
      try {
        await before({ method, from, to, effect: isEffect ? effects : 0, change: isChange ? changes : 0 })
      } catch (error) {
        if (!(error instanceof Death)) throw error
        isDead = true
        throw systemError('EIO')
      }
      return method === 'file.sync' ? undefined : call() // no power is lost
    }
    if (!isEffect) return made()
    const result = earlier.then(made)
    earlier = result.catch(() => undefined)
    return result
  })
}

/** Returns whether the restore succeeded. */
async function restore(
  to: string,
  texts: Texts,
  options: Partial<DeliveryOptions> = {},
  fileSystem = stoppable(() => undefined),
): Promise<boolean> {
  try {
    await deliverToDirectory(to, deliveriesOf(texts), { ...plain, ...options }, fileSystem)
    return true
  } catch {
    return false
  }
}

/** Above the largest process id of Linux. */
const endedProcess = 2 ** 22 + 1
const endedFolder = new RegExp(`-${endedProcess}-[^/]*$`)

/** Renames the hidden folders as if their processes had ended. Their process is this one. */
async function endProcesses(to: string): Promise<void> {
  for (const name of await readdir(to)) {
    const ended = name.replace(/^(\.holdfast-restore-[0-9a-f]{16})-\d+/, `$1-${endedProcess}`)
    if (ended !== name) await rename(join(to, name), join(to, ended))
  }
}

/** Fails one change. Dies before a change that comes `later` changes after it, or before an effect. */
interface Stop {
  readonly failing?: number
  readonly later?: number
  readonly effect?: number
}

function stopping(
  { failing = 0, later = Infinity, effect = Infinity }: Stop,
  onEffect = (_: number): void => undefined,
) {
  return stoppable((call) => {
    onEffect(call.effect)
    if (call.effect >= effect || call.change >= failing + later) throw new Death()
    if (call.change > 0 && call.change === failing) throw systemError('EIO')
  })
}

const next = { 'next.bin': 'next' }

/** Returns what the next restores leave of a destination, if they are not those of the scene before or after. */
async function violation(to: string, scene: Scene, ...names: readonly string[]): Promise<Texts | undefined> {
  await endProcesses(to)
  if (!(await restore(to, next))) return { failed: 'the next restore' }
  const tree = Object.entries(await treeOf(to)).filter(([name]) => !['next.bin', ...names].includes(name))
  const left = Object.fromEntries(tree.filter(([, text]) => text !== 'newer'))
  const isWhole = [scene.before, scene.after].some((each) => isEqual(left, each))
  return isWhole ? undefined : left
}

function isEqual(some: Texts, other: Texts): boolean {
  return JSON.stringify(Object.entries(some).toSorted()) === JSON.stringify(Object.entries(other).toSorted())
}

/** Calls a function with the numbers from 1 on, every `stride`-th of them, until it returns false. */
async function eachEffect(stride: number, call: (effect: number) => Promise<boolean>): Promise<void> {
  for (let effect = 1; await call(effect); effect += stride);
}

/** Declares tests of restores that are killed before every `kills`-th effect, or sleep before every `sleeps`-th one. */
export function testStoppedRestores(kills: number, sleeps: number): void {
  const where = kills === 1 ? 'any effect' : `one effect in ${kills}`
  describe.each(scenes)('a restore that %s', (_, scene) => {
    const changes = scene.options.others === 'remove' ? 6 : 4

    test(`loses no file if it is killed at ${where}, also while an error is undone`, async () => {
      const violations: unknown[] = []
      for (let failing = 0; failing <= changes; failing += 1) {
        await eachEffect(kills, async (effect) => {
          const to = await destinationOf(scene)
          let reached = 0
          const fileSystem = stopping({ failing, effect }, (each) => (reached = Math.max(reached, each)))
          await restore(to, scene.files, scene.options, fileSystem)
          const found = await violation(to, scene)
          if (found !== undefined) violations.push({ failing, effect, found })
          const isRepeated = await restore(to, scene.files, scene.options)
          const repeated = await treeOf(to)
          const { 'next.bin': __, ...tree } = repeated
          if (!isRepeated || !isEqual(tree, scene.after)) violations.push({ failing, effect, repeated })
          return reached >= effect
        })
      }
      expect(violations).toEqual([])
    })

    const interruptions: readonly (readonly [string, Stop])[] = [
      ['before its first change', { later: 1 }],
      ['amid its changes', { later: 3 }],
      ['amid its undo', { failing: changes, later: 2 }],
    ]

    test.each(interruptions)(
      `loses no file if it is killed %s, and the next one at ${where}`,
      async (__, stop) => {
        const violations: unknown[] = []
        await eachEffect(kills, async (effect) => {
          const to = await interrupted(scene, stop)
          const isEnded = await restore(to, next, {}, stopping({ effect }))
          const found = await violation(to, scene)
          if (found !== undefined) violations.push({ effect, found })
          return !isEnded
        })
        expect(violations).toEqual([])
      },
    )

    test.each(interruptions)(
      `keeps all files if it is killed %s, and two processes end it, one of which sleeps before one effect in ${sleeps}`,
      async (__, stop) => {
        const violations: unknown[] = []
        const isUndo = stop.failing !== undefined
        const check = async (late: Late): Promise<Seen> => {
          const to = await interrupted(scene, stop)
          const seen = await lateRestore(to, scene, late)
          const found = seen.violation ?? (await violation(to, scene, 'one.bin', 'two.bin'))
          if (found !== undefined) violations.push({ ...late, found })
          return seen
        }
        for (const otherFails of isUndo ? [false] : [false, true])
          for (const dies of [true, false])
            await eachEffect(sleeps, async (effect) => {
              await eachEffect(sleeps, async (until) => {
                const seen = await check({ effect, otherFails, dies, until })
                return seen.isOtherLate
              })
              const seen = await check({ effect, otherFails, dies, until: Infinity })
              return seen.isLate
            })
        expect(violations).toEqual([])
      },
    )
  })
}

/** Returns a destination in which the restore of a scene was interrupted by the end of its process. */
async function interrupted(scene: Scene, stop: Stop): Promise<string> {
  const to = await destinationOf(scene)
  expect(await restore(to, scene.files, scene.options, stopping(stop))).toBe(false)
  await endProcesses(to)
  return to
}

interface Late {
  /** The effect before which this restore sleeps. */
  readonly effect: number
  /** Whether the other restore cannot complete the interrupted one, and so undoes it. */
  readonly otherFails: boolean
  /** The effect before which the other restore sleeps while this one continues. */
  readonly until: number
  /** Whether this restore dies after one effect more. */
  readonly dies: boolean
}

interface Seen {
  /** Whether each restore slept while it worked on the interrupted one. */
  readonly isLate: boolean
  readonly isOtherLate: boolean
  readonly violation: unknown
}

/**
 * Restores a file, and sleeps before an effect. Meanwhile another restore ends the interrupted one, and the user writes files that
 * are then missing. If the other restore sleeps, too, it continues after this one. A violation is a restore that fails without a cause, or a change
 * by a process that slept until the other one had ended.
 */
async function lateRestore(
  to: string,
  scene: Scene,
  { effect, otherFails, until, dies }: Late,
): Promise<Seen> {
  const [isAtWork, isOtherAtWork] = [untilOwnFolder(), untilOwnFolder()]
  let isLate = false
  let isOtherStopped = false
  let isOtherLate = false
  let isOtherEnded: Promise<boolean> | undefined
  let expected: Texts | undefined
  const continued = Promise.withResolvers<undefined>()
  const fileSystem = stoppable(async (call) => {
    if (dies && call.effect > effect) throw new Death()
    const isEarly = isAtWork(call)
    if (call.effect !== effect) return
    isLate = isEarly
    const stopped = Promise.withResolvers<undefined>()
    const failing = otherFails ? failsSyncOnce() : () => undefined
    const other = stoppable(async (call) => {
      failing(call)
      const isEarly = isOtherAtWork(call)
      if (call.effect !== until) return
      isOtherStopped = true
      isOtherLate = isEarly
      stopped.resolve(undefined)
      await continued.promise
    })
    isOtherEnded = restore(to, { 'two.bin': 'two' }, {}, other)
    await Promise.race([isOtherEnded, stopped.promise])
    if (isOtherStopped) return
    await writeMissing(to, scene)
    expected = visible(await treeOf(to))
  })
  const isEnded = await restore(to, { 'one.bin': 'one' }, {}, fileSystem)
  const { 'one.bin': __, ...left } = visible(await treeOf(to))
  continued.resolve(undefined)
  const isKept = expected === undefined || isEqual(left, expected)
  const areEnded = ((await isOtherEnded) !== false || otherFails) && (dies || isEnded)
  return { isLate, isOtherLate, violation: isKept && areEnded ? undefined : { areEnded, left, expected } }
}

/** Returns a function that returns whether a restore has not yet made its own hidden folder. */
function untilOwnFolder(): (call: Call) => boolean {
  let isMade = false
  return ({ method, from }) => {
    isMade ||= method === 'mkdir' && from.includes(hiddenPrefix)
    return !isMade
  }
}

/** Writes those files at the top of a destination that are only in the checkpoint, or were only there before. */
async function writeMissing(to: string, { before, files }: Scene): Promise<void> {
  const there = await treeOf(to)
  for (const name of Object.keys({ ...before, ...files }))
    if (name.endsWith('.bin') && !name.includes('/') && there[name] === undefined)
      await writeFile(join(to, name), 'newer')
}

function visible(tree: Texts): Texts {
  return Object.fromEntries(Object.entries(tree).filter(([name]) => !name.startsWith(hiddenPrefix)))
}

/** Fails the first sync of the hidden folder of an ended process, so that its restore is not completed, but undone. */
function failsSyncOnce(): (call: Call) => void {
  let hasFailed = false
  return ({ method, from }) => {
    if (hasFailed || method !== 'open' || !endedFolder.test(from)) return
    hasFailed = true
    throw systemError('EIO')
  }
}
