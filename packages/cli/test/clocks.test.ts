import { expect, test } from 'vitest'
import type { Outcome } from './holdfast.ts'
import { holdfastAt } from './shifted-clock.ts'
import { workFolder } from './work-folder.ts'

async function at(folder: string, hours: number, ...words: readonly string[]): Promise<Outcome> {
  return holdfastAt(folder, hours, '-s', 'store', ...words)
}

test('save drops nothing by age if the clock is ahead of the disk, and prints a note', async () => {
  const folder = await workFolder()
  const save = ['save', 'w.bin', '--keep-within', '2 d', '--step']
  await at(folder, -490_000, ...save, '1')
  await at(folder, 0, ...save, '2')
  const { stdout, stderr } = await at(folder, 3 * 365 * 24, ...save, '3')
  expect(stdout).not.toContain('dropped')
  expect(stderr).toMatch(/^The clock of this machine is \d+ w ahead of the store's\. .* are kept\.\n/)
  const listed = await at(folder, 0, 'ls', '--json')
  expect(listed.stdout.match(/"type":"checkpoint"/g)).toHaveLength(3)
})
