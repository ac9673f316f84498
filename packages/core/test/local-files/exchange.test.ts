import type { FileHandle } from 'node:fs/promises'
import { link, lstat, mkdir, readdir, readlink, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { HoldfastError } from '../../src/errors.ts'
import { hiddenPrefix } from '../../src/local-files/delivery/hidden-folder.ts'
import { deliverToDirectory } from '../../src/local-files/delivery/to-directory.ts'
import { codeOf, temporaryFolder } from '../stores.ts'
import { deliveriesOf, plain } from './deliveries.ts'
import { readTree, type Texts, writeTree } from '../trees.ts'
import { type Gate, gated, surrounded, systemError } from './gated.ts'
import { restoreKilledAt } from './kills.ts'

const before = { 'model.bin': 'old model', 'sub/log.txt': 'old log', 'shard-2.bin': 'old shard' }
const after = { 'model.bin': 'new model', 'sub/log.txt': 'new log', 'new/a.bin': 'new file' }

function visible(files: Texts): Texts {
  return Object.fromEntries(Object.entries(files).filter(([name]) => !name.startsWith(hiddenPrefix)))
}

test('lets the next restore complete a destination after a kill at any call', async () => {
  const outcomes = new Set<string>()
  let mixed = 0
  for (let first = 1; !outcomes.has('0'); first += 4) {
    const calls = [first, first + 1, first + 2, first + 3]
    await Promise.all(
      calls.map(async (call) => {
        const to = join(await temporaryFolder(), 'to')
        await writeTree(to, before)
        outcomes.add(String(await restoreKilledAt(call, to, after)))
        const left = visible(await readTree(to))
        const isWhole = sameTexts(left, before) || sameTexts(left, after)
        if (!isWhole) mixed += 1
        await deliverToDirectory(to, deliveriesOf({ next: 'next' }), { ...plain, others: 'ignore' })
        const { next, ...whole } = await readTree(to)
        expect(next).toBe('next')
        if (isWhole) expect([before, after], `killed at call ${call}`).toContainEqual(whole)
        else expect(whole, `killed amid the renames at call ${call}`).toEqual(after)
      }),
    )
  }
  expect(outcomes).toEqual(new Set(['SIGKILL', '0']))
  expect(mixed).toBe(3) // between the four renames
})

function sameTexts(some: Texts, others: Texts): boolean {
  return JSON.stringify(Object.entries(some).toSorted()) === JSON.stringify(Object.entries(others).toSorted())
}

/** Fails one call with EIO: the one with the number `failing`. */
function failingOnce(failing: number): { readonly gate: Gate; readonly calls: () => number } {
  let calls = 0
  return {
    calls: () => calls,
    gate: () => {
      calls += 1
      if (calls === failing) throw systemError('EIO')
    },
  }
}

test('leaves the destination unchanged or complete after an error at any call', async () => {
  const folder = await temporaryFolder()
  for (let failing = 1; ; failing += 1) {
    const to = join(folder, String(failing))
    await writeTree(to, before)
    const { gate, calls } = failingOnce(failing)
    let thrown: unknown
    try {
      await deliverToDirectory(to, deliveriesOf(after), { ...plain, others: 'remove' }, gated(gate))
    } catch (error) {
      thrown = error
    }
    const left = visible(await readTree(to))
    expect([before, after], `call ${failing} failed`).toContainEqual(left)
    if (thrown === undefined) expect(left, `call ${failing} failed`).toEqual(after)
    else {
      if (!(thrown instanceof HoldfastError)) throw new Error(`call ${failing} failed`, { cause: thrown })
      expect(['UNAVAILABLE'], thrown.message).toContain(thrown.code)
    }
    await rm(to, { recursive: true })
    if (calls() < failing) return
  }
})

test.each([
  ['files', before, undefined, after],
  [
    'a link and its files',
    { 'step-6/model.bin': 'model 6' },
    'step-6',
    { 'last/deep/log.txt': 'log 5', 'last/model.bin': 'model 5' },
  ],
])(
  'lets the next restore end an undo of %s that was interrupted at any call',
  async (_, old, link, files) => {
    const endings = new Set<string>()
    const lastPlace = Object.keys(files).at(-1) ?? ''
    async function interruptUndo(dead: number): Promise<void> {
      const to = await temporaryFolder()
      await writeTree(to, old)
      if (link !== undefined) await symlink(link, join(to, 'last'))
      let calls = 0
      const fileSystem = gated((method, __, place) => {
        if (calls === 0 && !(method === 'rename' && place === join(to, lastPlace))) return
        calls += 1
        if (calls === 1 || calls > dead) throw systemError('EIO')
      })
      await expect(deliverToDirectory(to, deliveriesOf(files), plain, fileSystem)).rejects.toThrow('EIO')
      await deliverToDirectory(to, deliveriesOf({ next: 'next' }), { ...plain, others: 'ignore' })
      const { next, ...whole } = await readTree(to)
      expect(next).toBe('next')
      const isUndone = sameTexts(whole, old)
      endings.add(isUndone ? 'undone' : 'completed')
      if (!isUndone) expect(whole, `interrupted after ${dead} calls`).toEqual({ ...old, ...files })
      if (link !== undefined) expect((await lstat(join(to, 'last'))).isSymbolicLink()).toBe(isUndone)
    }
    await Promise.all(Array.from({ length: 40 }, (__, index) => interruptUndo(index + 1)))
    expect(endings).toEqual(new Set(['completed', 'undone']))
  },
)

describe('a file that cannot be kept under a second name', () => {
  const noLinks: Gate = (method) => {
    if (method === 'link') throw systemError('EPERM')
  }

  test('is replaced', async () => {
    const to = await temporaryFolder()
    await writeTree(to, before)
    await deliverToDirectory(to, deliveriesOf(after), plain, gated(noLinks))
    expect(await readTree(to)).toEqual({ ...before, ...after })
  })

  test.each([
    ['the same process', async () => undefined],
    ['a later process', endOfProcess],
  ])('makes the next restore, of %s, complete one that failed amid the renames', async (_, afterwards) => {
    const to = await temporaryFolder()
    await writeTree(to, before)
    const fileSystem = gated((method, _, place) => {
      noLinks(method)
      if (method === 'rename' && place === join(to, 'new/a.bin')) throw systemError('EIO')
    })
    const failed = deliverToDirectory(to, deliveriesOf(after), plain, fileSystem)
    await expect(failed).rejects.toThrow('The next restore into it completes or undoes this one.')
    expect((await readTree(to))['model.bin']).toBe('new model')
    await afterwards(to)
    await deliverToDirectory(to, deliveriesOf({ 'model.bin': 'next model' }), plain)
    expect(await readTree(to)).toEqual({ ...before, ...after, 'model.bin': 'next model' })
  })
})

describe('a restore of the same files as one that was interrupted amid the renames', () => {
  async function interrupted(): Promise<string> {
    const to = await temporaryFolder()
    await writeTree(to, before)
    const fileSystem = gated((method, _, place) => {
      const isOfNewFile = place === join(to, 'new/a.bin')
      const isUndone = String(place).endsWith('/undoing')
      if (method === 'rename' && (isOfNewFile || isUndone)) throw systemError('EIO')
    })
    const failed = deliverToDirectory(to, deliveriesOf(after), plain, fileSystem)
    await expect(failed).rejects.toThrow('The next restore into it completes or undoes this one.')
    await endOfProcess(to)
    return to
  }

  async function openedNames(to: string, given?: ReturnType<typeof gated>): Promise<readonly string[]> {
    const opened: string[] = []
    const deliveries = deliveriesOf(after).map((delivery) => ({
      ...delivery,
      open: async (...parameters: Parameters<typeof delivery.open>) => {
        opened.push(delivery.name)
        return delivery.open(...parameters)
      },
    }))
    await deliverToDirectory(to, deliveries, plain, given)
    expect(await readTree(to)).toEqual({ ...before, ...after })
    return opened
  }

  test('opens no file, because all are in place after its completion', async () => {
    expect(await openedNames(await interrupted())).toEqual([])
  })

  test('opens a file that was changed meanwhile', async () => {
    const to = await interrupted()
    await writeTree(to, { 'model.bin': 'bad model' })
    expect(await openedNames(to)).toEqual(['model.bin'])
  })

  test('opens a file again that was replaced by a hard link to a file elsewhere', async () => {
    const to = await interrupted()
    const elsewhere = join(await temporaryFolder(), 'model.bin')
    await writeFile(elsewhere, after['model.bin'])
    await rm(join(to, 'model.bin'))
    await link(elsewhere, join(to, 'model.bin'))
    expect(await openedNames(to)).toEqual(['model.bin'])
    expect((await lstat(elsewhere)).nlink).toBe(1)
  })

  test('opens all files if the file system has no hard links', async () => {
    const fileSystem = gated((method) => {
      if (method === 'link') throw systemError('EPERM')
    })
    expect(await openedNames(await interrupted(), fileSystem)).toEqual(Object.keys(after))
  })
})

/** Renames the hidden folder as if its process had ended. Its process is this one. */
async function endOfProcess(to: string): Promise<void> {
  for (const name of await readdir(to)) {
    if (!name.startsWith(hiddenPrefix)) continue
    const gone = name.replace(/^(\.holdfast-restore-[0-9a-f]{16})-\d+/, `$1-${2 ** 22 + 1}`)
    await rename(join(to, name), join(to, gone))
  }
}

test('replaces a link in place of a file, and puts it back after an error', async () => {
  const to = await temporaryFolder()
  await mkdir(join(to, 'new'))
  await symlink('elsewhere', join(to, 'model.bin'))
  await deliverToDirectory(to, deliveriesOf({ 'model.bin': 'new' }), plain)
  expect(await readTree(to)).toEqual({ 'model.bin': 'new' })
  await rm(join(to, 'model.bin'))
  await symlink('elsewhere', join(to, 'model.bin'))
  await expect(
    deliverToDirectory(
      to,
      deliveriesOf({ 'model.bin': 'new', 'new/a.bin': 'new' }),
      plain,
      gated((method, _, place) => {
        if (method === 'rename' && place === join(to, 'new/a.bin')) throw systemError('EIO')
      }),
    ),
  ).rejects.toThrow('EIO')
  expect(await readlink(join(to, 'model.bin'))).toBe('elsewhere')
})

test('rejects if its hidden files are removed, and not as if the checkpoint were missing', async () => {
  const to = await temporaryFolder()
  await writeTree(to, before)
  const cleaner = async (): Promise<void> => {
    for (const name of await readdir(to))
      if (name.startsWith(hiddenPrefix)) await rm(join(to, name), { recursive: true })
  }
  const [first, ...others] = deliveriesOf(after)
  if (first === undefined) throw new Error('there are files')
  const removing = {
    ...first,
    open: async (signal: AbortSignal, look: 1 | 2) => {
      await cleaner()
      return first.open(signal, look)
    },
  }
  expect(await codeOf(deliverToDirectory(to, [removing, ...others], plain))).toBe('UNAVAILABLE')
  expect(await readTree(to)).toEqual(before)
})

test('makes the names of a new destination and its folders durable', async () => {
  const folder = await temporaryFolder()
  const opened: string[] = []
  const fileSystem = gated((method, path) => {
    if (method === 'open') opened.push(String(path))
  })
  await deliverToDirectory(join(folder, 'of', 'several'), deliveriesOf({ 'a/b': 'x' }), plain, fileSystem)
  expect(opened).toEqual(
    expect.arrayContaining([
      folder,
      join(folder, 'of'),
      join(folder, 'of', 'several'),
      join(folder, 'of', 'several', 'a'),
    ]),
  )
})

test('makes each effect durable before the next one relies on it', async () => {
  const to = await temporaryFolder()
  await writeTree(to, before)
  const effects: string[] = []
  const shown = (path: unknown): string =>
    String(path)
      .replace(to, 'to')
      .replace(/\.holdfast-restore-[^/]+/, 'hidden')
  const fileSystem = surrounded(async (method, [path, second], call) => {
    const result = await call()
    if (method === 'rename') effects.push(`rename ${shown(path)} ${shown(second)}`)
    if (method === 'link') effects.push(`link ${shown(path)} ${shown(second)}`)
    if (method === 'unlink') effects.push(`unlink ${shown(path)}`)
    if (method !== 'open') return result
    return syncsOf(result as FileHandle, () => effects.push(`sync ${shown(path)}`))
  })
  const deliveries = deliveriesOf({ 'model.bin': 'new', 'new/a.bin': 'new' })
  await deliverToDirectory(to, deliveries, { ...plain, others: 'remove' }, fileSystem)
  const at = (effect: string): number => effects.indexOf(effect)
  const journal = at('rename to/hidden/exchanging/journal.draft to/hidden/exchanging/journal')
  const moves = [
    at('rename to/hidden/new-0 to/model.bin'),
    at('rename to/hidden/new-1 to/new/a.bin'),
    ...effects.flatMap((effect, index) =>
      /^rename .* to\/hidden\/exchanging\/gone-/.test(effect) ? [index] : [],
    ),
  ]
  expect(moves).toHaveLength(4)
  for (const earlier of [
    'sync to/hidden/new-0',
    'sync to/hidden/new-1',
    'link to/model.bin to/hidden/old-0',
    'sync to/hidden/exchanging/journal.draft',
    'sync to/hidden',
  ]) {
    expect(at(earlier), earlier).toBeGreaterThanOrEqual(0)
    expect(at(earlier), earlier).toBeLessThan(journal)
  }
  expect(at('sync to/hidden')).toBeGreaterThan(at('link to/model.bin to/hidden/old-0'))
  const prepared = ['sync to/hidden/exchanging', 'sync to'].map((effect) => effects.indexOf(effect, journal))
  expect(Math.min(...prepared)).toBeGreaterThan(journal)
  expect(Math.max(...prepared)).toBeLessThan(Math.min(...moves))
  const done = at('rename to/hidden/exchanging to/hidden/ended')
  for (const folder of ['sync to', 'sync to/new', 'sync to/hidden', 'sync to/hidden/exchanging'])
    expect(effects.slice(0, done).lastIndexOf(folder), folder).toBeGreaterThan(Math.max(...moves))
  expect(effects.lastIndexOf('sync to/hidden')).toBeGreaterThan(done)
})

/** Returns the file with a record of each sync that has ended. */
function syncsOf(handle: FileHandle, onSync: () => void): FileHandle {
  return new Proxy(handle, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      return async (...parameters: unknown[]): Promise<unknown> => {
        const result: unknown = await Reflect.apply(value, target, parameters)
        if (property === 'sync') onSync()
        return result
      }
    },
  })
}

test('checks the destination again before it calls beforeExchange', async () => {
  const to = await temporaryFolder()
  const [name = ''] = Object.keys(after)
  const calls: string[] = []
  const restore = deliverToDirectory(
    to,
    deliveriesOf(after).map((delivery) => ({
      ...delivery,
      open: async (...parameters: Parameters<typeof delivery.open>) => {
        await mkdir(join(to, name), { recursive: true }) // as another program that uses the folder
        return delivery.open(...parameters)
      },
    })),
    {
      ...plain,
      beforeExchange: async () => {
        calls.push('beforeExchange')
      },
    },
  )
  await expect(restore).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' })
  expect(calls).toEqual([])
})

test('keeps the hint of the first error if the clean-up also fails', async () => {
  const hint = { kind: 'replace' } as const
  const fenced = new HoldfastError('FENCED', 'Another writer took over.', { hint })
  const gate: Gate = (method) => {
    if (method === 'rmdir') throw systemError('EIO')
  }
  const restore = deliverToDirectory(
    join(await temporaryFolder(), 'restored'),
    deliveriesOf(after),
    { ...plain, beforeExchange: async () => Promise.reject(fenced) },
    gated(gate),
  )
  await expect(restore).rejects.toMatchObject({
    code: 'FENCED',
    hint,
    reason: expect.stringMatching(/^Another writer took over\. .*could not be removed\.$/) as string,
  })
})
