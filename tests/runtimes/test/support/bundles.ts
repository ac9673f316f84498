import { execFile } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startS3Emulator } from '@holdfast/emulators'
import { expect } from 'vitest'
import { type Bundler, programOf } from './bundlers.ts'

const execute = promisify(execFile)

/** Returns a folder in which no package is found. */
export async function emptyFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'holdfast-bundle-'))
}

/** Expects that a bundled program with an adapter saves and restores. */
export async function savesAndRestores(bundle: Bundler): Promise<void> {
  const folder = await emptyFolder()
  const { stdout } = await execute(process.execPath, [await bundle(programOf('main'), folder), folder])
  expect(stdout).toBe('restored step 1\n')
}

/** Expects that a bundled program without an adapter states what to pass. */
export async function suggestsAdapters(bundle: Bundler): Promise<void> {
  const folder = await emptyFolder()
  const module = await bundle(programOf('without-adapter'), folder)
  const { stdout } = await execute(process.execPath, [module, 's3://bucket/a'])
  expect(stdout).toBe(
    'CONFIG: s3:// requires @holdfast/adapter-s3. This program is a bundle, which does not contain the package. ' +
      "Import { adapter } from '@holdfast/adapter-s3', and pass it in the option adapters: [adapter].\n",
  )
}

/** Calls a handler as the runtime of AWS Lambda does, and prints its result. */
const callHandler = `const [, module, event] = process.argv
require(module).handler(JSON.parse(event)).then((result) => console.log(JSON.stringify(result)))`

/**
 * Expects that a bundled handler works as on AWS Lambda: in a process of its own, where no package is installed, there is no
 * configuration, and only the temporary folder can be written to.
 */
export async function runsAsHandler(bundle: Bundler): Promise<void> {
  const folder = await emptyFolder()
  const module = await bundle(programOf('lambda'), folder)
  await using s3 = await startS3Emulator({ buckets: ['checkpoints'] })
  const url = `s3://checkpoints/a?endpoint=${s3.endpoint}&region=${s3.region}`
  const event = JSON.stringify({ url, credentials: s3.credentials })
  const temporary = await emptyFolder()
  const allowed = ['--allow-fs-read=*', `--allow-fs-write=${temporary}`, '--allow-worker']
  // Before Node.js 25, the network needs no permission.
  if (process.allowedNodeEnvironmentFlags.has('--allow-net')) allowed.push('--allow-net')
  const words = ['--permission', ...allowed, '--eval', callHandler, module, event]
  const { stdout } = await execute(process.execPath, words, { cwd: folder, env: { TMPDIR: temporary } })
  expect(JSON.parse(stdout)).toEqual([7])
}
