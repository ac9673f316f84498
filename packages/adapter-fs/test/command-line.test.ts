import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { everythingIn, temporaryFolder } from './folders.ts'

const suite = createRequire(import.meta.url).resolve('@holdfast/conformance')
const main = fileURLToPath(new URL('cli/main.js', `file://${suite}`))

test('finds the installed adapter, and leaves the place unchanged', async () => {
  const folder = await temporaryFolder()
  await mkdir(join(folder, 'there'))
  await writeFile(join(folder, 'there', 'before'), 'x')
  const before = await everythingIn(folder)
  for (const place of ['there', 'new/and/deep']) {
    const words = [main, join(folder, place), '--only', 'commit']
    const { stdout } = await promisify(execFile)(process.execPath, words, {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
    })
    expect(stdout).toContain('cases ran, and passed')
    expect(stdout).toContain('ok      exactly one of 16 processes')
    expect(await everythingIn(folder)).toEqual(before)
  }
})
