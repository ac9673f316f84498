import { execFile, execFileSync, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import useRunFolder from '../src/run-folder.ts'
import { emptyFolder } from '../../servers/test/empty-folder.ts'

const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
const globalSetup = join(import.meta.dirname, '../src/run-folder.ts')

/** Makes `os.tmpdir()` return an empty folder until the test has finished. */
async function emptyTemporaryFolder(): Promise<string> {
  const { TMPDIR: before } = process.env
  const folder = await emptyFolder()
  process.env['TMPDIR'] = folder
  onTestFinished(() => {
    process.env['TMPDIR'] = before
  })
  return folder
}

test('removes the temporary folders of a failed test', async () => {
  const project = await emptyFolder()
  const temporary = await emptyTemporaryFolder()
  const config = { test: { globals: true, globalSetup: [globalSetup] } }
  await writeFile(join(project, 'vitest.config.js'), `export default ${JSON.stringify(config)}`)
  await writeFile(
    join(project, 'fails.test.js'),
    `test('fails', async () => {
      const { mkdtempSync } = await import('node:fs')
      const { tmpdir } = await import('node:os')
      throw new Error('left ' + mkdtempSync(tmpdir() + '/left-'))
    })`,
  )
  const { code, output } = await new Promise<{ code: unknown; output: string }>((resolve) => {
    execFile(process.execPath, [vitest, 'run'], { cwd: project }, (error, stdout, stderr) => {
      resolve({ code: error?.code, output: stdout + stderr })
    })
  })
  expect(code).toBe(1)
  expect(output).toContain(`left ${temporary}/holdfast-tests-`)
  expect(await readdir(temporary)).toEqual([])
})

test('removes the temporary folders of a killed process, and restores os.tmpdir()', async () => {
  const program = join(await emptyFolder(), 'program.cjs')
  const temporary = await emptyTemporaryFolder()
  const remove = await useRunFolder()
  await writeFile(
    program,
    `const folder = require('node:fs').mkdtempSync(require('node:os').tmpdir() + '/left-')
    process.send(folder)
    setInterval(() => undefined, 1000)`,
  )
  const child = fork(program)
  const left = await new Promise((resolve) => child.once('message', resolve))
  child.kill('SIGKILL')
  await once(child, 'exit')
  expect(left).toContain(`${temporary}/holdfast-tests-`)
  await remove()
  expect(tmpdir()).toBe(temporary)
  expect(await readdir(temporary)).toEqual([])
})

test('unmounts a file system before its folder is removed, and keeps the files of a bind mount', async ({
  skip,
}) => {
  const kept = await emptyFolder()
  await writeFile(join(kept, 'file'), 'kept')
  const temporary = await emptyTemporaryFolder()
  const remove = await useRunFolder()
  const mounted = join(tmpdir(), 'a place', 'mounted')
  await mkdir(mounted, { recursive: true })
  try {
    execFileSync('mount', ['--bind', kept, mounted], { stdio: 'pipe' })
  } catch {
    await remove()
    skip('this user may not mount a folder')
  }
  await remove()
  expect(await readdir(temporary)).toEqual([])
  expect(await readdir(kept)).toEqual(['file'])
})
