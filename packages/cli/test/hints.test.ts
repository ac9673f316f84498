import { chmod, rm, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import type { ErrorHint } from '@holdfast/core'
import { expect, test } from 'vitest'
import { withHint } from '../src/output/hints.ts'
import { holdfast, type Outcome } from './holdfast.ts'
import { workFolder } from './work-folder.ts'

async function onStore(folder: string, ...words: readonly string[]): Promise<Outcome> {
  return holdfast(folder, '--store', './store', ...words)
}

test.each<[ErrorHint, string]>([
  [
    {
      kind: 'free-space',
      canMakeRoom: false,
      canDelete: true,
      repairPinned: [],
      hasUnfinished: false,
      hasRemoved: false,
    },
    'Full. Delete checkpoints with holdfast rm.',
  ],
  [
    {
      kind: 'free-space',
      canMakeRoom: false,
      canDelete: false,
      repairPinned: [],
      hasUnfinished: true,
      hasRemoved: false,
    },
    'Full. If no other writer runs, delete its unfinished saves with holdfast sweep --now.',
  ],
  [
    {
      kind: 'free-space',
      canMakeRoom: true,
      canDelete: true,
      repairPinned: [],
      hasUnfinished: true,
      hasRemoved: false,
    },
    'Full. Pass --make-room to let Holdfast drop checkpoints, or delete some with holdfast rm. ' +
      'If no other writer runs, delete its unfinished saves with holdfast sweep --now.',
  ],
  [
    {
      kind: 'free-space',
      canMakeRoom: false,
      canDelete: true,
      repairPinned: [],
      hasUnfinished: false,
      hasRemoved: true,
    },
    'Full. Delete checkpoints with holdfast rm. ' +
      'holdfast sweep --now deletes removed checkpoints for good, and unfinished saves of other writers.',
  ],
  [
    {
      kind: 'free-space',
      canMakeRoom: false,
      canDelete: false,
      repairPinned: [4, 5],
      hasUnfinished: false,
      hasRemoved: false,
    },
    'Full. If checkpoints that a repair pinned need no pin, run holdfast unpin 4 5 and then holdfast rm.',
  ],
  [{ kind: 'pin-again', steps: [5, 6] }, 'Full. After you correct that, run holdfast pin 5 6 again.'],
  [{ kind: 'unpin-again', steps: [5] }, 'Full. After you correct that, run holdfast unpin 5 again.'],
  [
    { kind: 'leave-ranks', for: 'change' },
    'Full. Leave out --ranks, --rank, --world-size and --member, and run the command when the job does not run.',
  ],
  [{ kind: 'repair' }, 'Full. Run holdfast repair.'],
])('appends the command that helps to the reason: %j', (hint, expected) => {
  expect(withHint({ reason: 'Full.', hint })).toBe(expected)
})

test.each([
  ['file:///my%20runs/a', 'Run holdfast repair --store file:///my%20runs/a.'],
  ["file:///my-runs/it's", "Run holdfast repair --store 'file:///my-runs/it'\\''s'."],
])('names the folder to repair: %s', (url, advice) => {
  expect(withHint({ reason: 'Damaged.', hint: { kind: 'repair' }, url })).toBe(`Damaged. ${advice}`)
})

test('names no option for a store whose URL lacks parameters of its location', () => {
  expect(withHint({ reason: 'Damaged.', hint: { kind: 'repair' }, url: 's3://bucket/a' })).toBe(
    'Damaged. Repair s3://bucket/a with holdfast repair.',
  )
})

test('leaves a reason without a hint unchanged', () => {
  expect(withHint({ reason: 'Full.' })).toBe('Full.')
})

test.each([
  [['rm', '9'], 'Run holdfast ls to list the checkpoints.'],
  [['show', 'best'], 'Pass --objective loss=val_loss:min to define one, or save with --keep-best'],
])('names the command or option that helps: %j', async (words, advice) => {
  const folder = await workFolder({ 'checkpoint.pth': 'weights' })
  await onStore(folder, 'save', 'checkpoint.pth', '--step', '1')
  expect((await onStore(folder, ...words)).stderr).toContain(advice)
})

test('names the options of ranks for a checkpoint that ranks do not restore together', async () => {
  const folder = await workFolder({ 'checkpoint.pth': 'weights' })
  await onStore(folder, 'save', 'checkpoint.pth', '--step', '1')
  const words = ['restore', '1', '--to', 'out', '--rank', '0', '--world-size', '2']
  expect((await onStore(folder, ...words)).stderr).toMatch(
    / not 1\. To read another one, leave out --ranks, --rank and --world-size\.\n$/,
  )
})

test('names the location of a store that does not exist and the option for the store', async () => {
  const folder = await workFolder({ 'checkpoint.pth': 'weights' })
  expect((await onStore(folder, 'rm', '1')).stderr).toMatch(
    /There is no store at .*\. Check its path or URL\.\n$/,
  )
  expect((await holdfast(folder, 'ls')).stderr).toContain('--store')
})

test('names the repair in every report of a lost catalog', async () => {
  const folder = await workFolder({ 'checkpoint.pth': 'weights' })
  await onStore(folder, 'save', 'checkpoint.pth', '--step', '1')
  await rm(join(folder, 'store', 'catalog'), { recursive: true })
  const [verified, diagnosed, refused] = await Promise.all([
    onStore(folder, 'verify'),
    onStore(folder, 'doctor'),
    onStore(folder, 'rm', '1'),
  ])
  for (const text of [verified.stdout, diagnosed.stdout, refused.stderr])
    expect(text).toContain('holdfast repair')
})

test('names the repair if the newest version of the catalog is damaged', async () => {
  const folder = await workFolder({ 'checkpoint.pth': 'weights' })
  await onStore(folder, 'save', 'checkpoint.pth', '--step', '1')
  const newest = join(folder, 'store', 'catalog', '0000000000000002.json')
  await chmod(newest, 0o600)
  await truncate(newest)
  const { code, stderr } = await onStore(folder, 'ls')
  expect(code).toBe(5)
  expect(stderr).toMatch(/ Run holdfast repair --store file:\S+\/store\.\n$/)
})

test('names the damaged source of a copy, which is not the store of the command', async () => {
  const folder = await workFolder({ 'checkpoint.pth': 'weights' })
  await onStore(folder, 'save', 'checkpoint.pth', '--step', '1')
  await rm(join(folder, 'store', 'holdfast.json'))
  const { code, stderr } = await holdfast(folder, 'copy', './store', './backup')
  expect(code).toBe(5)
  expect(stderr).toMatch(
    / no origin that a copy could name\. Run holdfast repair --store file:\S+\/store\.\n$/,
  )
})

test('names the damaged mirror, and not the store', async () => {
  const folder = await workFolder({ 'checkpoint.pth': 'weights' })
  const mirrored = ['--mirror', './mirror']
  await onStore(folder, 'save', 'checkpoint.pth', '--step', '1', ...mirrored)
  await rm(join(folder, 'mirror', 'holdfast.json'))
  const { stderr } = await onStore(folder, 'save', 'checkpoint.pth', '--step', '2', ...mirrored)
  expect(stderr).toMatch(/ Run holdfast repair --store file:\S+\/mirror\. /)
})

test('verify reports a missing marker once, and the repair of the command line', async () => {
  const folder = await workFolder({ 'checkpoint.pth': 'weights' })
  await onStore(folder, 'save', 'checkpoint.pth', '--step', '1')
  await rm(join(folder, 'store', 'holdfast.json'))
  const { stdout } = await onStore(folder, 'verify')
  expect(stdout).toContain('holdfast.json is missing.\n')
  expect(stdout).toContain('Repair the documents of the store: holdfast repair\n')
  expect(stdout).not.toContain('store.repair()')
})
