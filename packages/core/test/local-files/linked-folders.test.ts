import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { lstat, readlink, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { hiddenPrefix } from '../../src/local-files/delivery/hidden-folder.ts'
import { deliverToDirectory, type DeliveryOptions } from '../../src/local-files/delivery/to-directory.ts'
import { temporaryFolder } from '../stores.ts'
import { readTree, type Texts, writeTree } from '../trees.ts'
import { deliveriesOf, plain } from './deliveries.ts'
import { gated, systemError } from './gated.ts'
import { restoreKilledAt } from './kills.ts'

/** As a save finds them in a folder with `step-5/model.bin`, `step-5/deep/log.txt` and a link `last` to `step-5`. */
const saved: Texts = {
  'last/deep/log.txt': 'log 5',
  'last/model.bin': 'model 5',
  'step-5/deep/log.txt': 'log 5',
  'step-5/model.bin': 'model 5',
}

/** The files of the same folder one step later. */
const later: Texts = {
  'step-5/deep/log.txt': 'log 5',
  'step-5/model.bin': 'model 5',
  'step-6/model.bin': 'model 6',
}

const exact: Partial<DeliveryOptions> = { others: 'remove' }

async function folderWithLink(files: Texts, link: string, target: string): Promise<string> {
  const to = await temporaryFolder()
  await writeTree(to, files)
  await symlink(target, join(to, link))
  return to
}

async function restore(to: string, options: Partial<DeliveryOptions> = {}): Promise<void> {
  await deliverToDirectory(to, deliveriesOf(saved), { ...plain, ...options })
}

test('restores a checkpoint into its own folder, where two of its names lead to one file', async () => {
  const to = await folderWithLink(
    { 'step-5/model.bin': 'old', 'step-5/deep/log.txt': 'old' },
    'last',
    'step-5',
  )
  await restore(to)
  expect(await readTree(to)).toEqual(saved)
  expect((await lstat(join(to, 'last'))).isDirectory()).toBe(true)
})

test('replaces a link instead of writing into the folder to which it leads', async () => {
  const to = await folderWithLink(later, 'last', 'step-6')
  await restore(to)
  expect(await readTree(to)).toEqual({ ...later, ...saved })
})

test('replaces a link in a folder below the destination', async () => {
  const to = await folderWithLink({ 'real/a.bin': 'a', 'runs/b.bin': 'b' }, 'runs/last', join('..', 'real'))
  const files = { 'runs/last/deep/a.bin': 'new a', 'runs/last/b.bin': 'new b' }
  await deliverToDirectory(to, deliveriesOf(files), plain)
  expect(await readTree(to)).toEqual({ ...files, 'real/a.bin': 'a', 'runs/b.bin': 'b' })
})

test('leaves exactly the checkpoint after an exact restore, without the folder behind the link', async () => {
  const to = await folderWithLink(later, 'last', 'step-6')
  const { others } = await deliverToDirectory(to, deliveriesOf(saved), { ...plain, ...exact })
  expect(others?.names).toEqual(['step-6/model.bin'])
  expect(await readTree(to)).toEqual(saved)
})

test('refuses a link that leads out of the destination before it changes anything', async () => {
  const outside = await temporaryFolder()
  const to = await folderWithLink({ 'step-5/model.bin': 'old' }, 'last', outside)
  await expect(restore(to)).rejects.toThrow('is a link that leads out of')
  expect(await readTree(to)).toEqual({ 'step-5/model.bin': 'old' })
  expect(await readTree(outside)).toEqual({})
})

test('puts the link back after an error at any call', async () => {
  for (let failing = 1; ; failing += 1) {
    const to = await folderWithLink(later, 'last', 'step-6')
    let calls = 0
    const fileSystem = gated(() => {
      calls += 1
      if (calls === failing) throw systemError('EIO')
    })
    const isRestored = await deliverToDirectory(
      to,
      deliveriesOf(saved),
      { ...plain, ...exact },
      fileSystem,
    ).then(
      () => true,
      () => false,
    )
    const left = visible(await readTree(to))
    const hasLink = (await lstat(join(to, 'last'))).isSymbolicLink()
    if (hasLink) expect(await readlink(join(to, 'last'))).toBe('step-6')
    expect(left, `call ${failing} failed`).toEqual(hasLink ? later : saved)
    if (isRestored) expect(hasLink).toBe(false)
    if (calls < failing) return
  }
})

test('lets the next restore complete the replacement of a link after a kill at any call', async () => {
  const outcomes = new Set<string>()
  let interrupted = 0
  for (let first = 1; !outcomes.has('0'); first += 4) {
    const calls = [first, first + 1, first + 2, first + 3]
    await Promise.all(
      calls.map(async (call) => {
        const to = await folderWithLink(later, 'last', 'step-6')
        outcomes.add(String(await restoreKilledAt(call, to, saved)))
        const left = visible(await readTree(to))
        if (![later, saved].some((files) => JSON.stringify(files) === JSON.stringify(left))) interrupted += 1
        await deliverToDirectory(to, deliveriesOf({ next: 'next' }), { ...plain, others: 'ignore' })
        const { next, ...whole } = await readTree(to)
        expect(next).toBe('next')
        const hasLink = (await lstat(join(to, 'last'))).isSymbolicLink()
        expect(whole, `killed at call ${call}`).toEqual(hasLink ? later : saved)
        if (hasLink) expect(left, `killed at call ${call}`).toEqual(later)
      }),
    )
  }
  expect(outcomes).toEqual(new Set(['SIGKILL', '0']))
  expect(interrupted).toBeGreaterThan(3)
})

test.each([
  [
    '2, which older versions refuse, if it replaces a link',
    { 'last/model.bin': 'new' },
    'holdfast-restore/2',
  ],
  ['1 if it replaces no link', { 'step-6/model.bin': 'new' }, 'holdfast-restore/1'],
])('writes a journal of format %s', async (_, files, format) => {
  const to = await folderWithLink(later, 'last', 'step-6')
  const fileSystem = gated((method, __, place) => {
    if (method === 'rename' && /\/(model\.bin|undoing)$/.test(String(place))) throw systemError('EIO')
  })
  await expect(deliverToDirectory(to, deliveriesOf(files), plain, fileSystem)).rejects.toThrow('EIO')
  const [, journal = ''] =
    Object.entries(await readTree(to)).find(([name]) => name.endsWith('/journal')) ?? []
  expect(JSON.parse(journal)).toMatchObject({ format })
  await deliverToDirectory(to, deliveriesOf({ next: 'next' }), plain)
  expect(await readTree(to)).toEqual({ ...later, ...files, next: 'next' })
})

test('puts a link back to a folder with a file in the place of a folder of the checkpoint', async () => {
  const old = { 'step-6/deep': 'a file', 'z.bin': 'old z' }
  const to = await folderWithLink(old, 'last', 'step-6')
  const fileSystem = gated((method, _, place) => {
    if (method === 'rename' && place === join(to, 'z.bin')) throw systemError('EIO')
  })
  const files = { 'last/deep/x/log.txt': 'log 5', 'z.bin': 'new z' }
  const failed = deliverToDirectory(to, deliveriesOf(files), plain, fileSystem)
  await expect(failed).rejects.not.toThrow('The next restore')
  expect(await readTree(to)).toEqual(old)
  expect(await readlink(join(to, 'last'))).toBe('step-6')
})

test('puts a folder back that took the place of a link during the restore, if it is killed before it can', async () => {
  const to = await folderWithLink(later, 'last', 'step-6')
  let isDead = false
  const fileSystem = gated((method, _, place) => {
    if (isDead) throw systemError('EIO')
    if (method !== 'rename' || !String(place).endsWith('/link-0')) return
    rmSync(join(to, 'last'))
    mkdirSync(join(to, 'last'))
    writeFileSync(join(to, 'last', 'notes.txt'), 'notes')
    isDead = true // after this rename
  })
  await expect(deliverToDirectory(to, deliveriesOf(saved), plain, fileSystem)).rejects.toThrow('EIO')
  await deliverToDirectory(to, deliveriesOf({ next: 'next' }), plain)
  expect(await readTree(to)).toEqual({ ...later, ...saved, 'last/notes.txt': 'notes', next: 'next' })
})

test('replaces a link that was created again after an interrupted restore', async () => {
  const to = await folderWithLink(later, 'last', 'step-6')
  const fileSystem = gated((method, _, place) => {
    if (method === 'rename' && place === join(to, 'last/model.bin')) throw systemError('EIO')
    if (method === 'rename' && String(place).endsWith('/undoing')) throw systemError('EIO')
  })
  const failed = deliverToDirectory(to, deliveriesOf(saved), plain, fileSystem)
  await expect(failed).rejects.toThrow('The next restore into it completes or undoes this one.')
  await rm(join(to, 'last'), { recursive: true, force: true })
  await symlink('step-6', join(to, 'last'))
  await deliverToDirectory(to, deliveriesOf({ next: 'next' }), { ...plain, others: 'ignore' })
  expect(await readTree(join(to, 'step-6'))).toEqual({ 'model.bin': 'model 6' })
})

function visible(files: Texts): Texts {
  return Object.fromEntries(Object.entries(files).filter(([name]) => !name.startsWith(hiddenPrefix)))
}
