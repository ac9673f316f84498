import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { environment, holdfastProcess, type Outcome } from './holdfast.ts'

const shift = `
const ahead = Number(process.env.HOURS_AHEAD) * 3600e3, RealDate = Date
globalThis.Date = class extends RealDate {
  constructor(...given) { if (given.length > 0) super(...given); else super(RealDate.now() + ahead) }
  static now() { return RealDate.now() + ahead }
}
`

/** Runs the command line in a folder, with a clock that is this number of hours ahead. */
async function at(folder: string, hours: number, ...words: readonly string[]): Promise<Outcome> {
  const env = {
    ...environment(),
    HOURS_AHEAD: String(hours),
    NODE_OPTIONS: `--import ${join(folder, 'shift.mjs')}`,
  }
  return holdfastProcess(env, folder, '-s', 'store', ...words)
}

async function workFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-clocks-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await writeFile(join(folder, 'w.bin'), 'weights')
  await writeFile(join(folder, 'shift.mjs'), shift)
  return folder
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
