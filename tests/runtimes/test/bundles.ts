import { execFile } from 'node:child_process'
import { mkdtemp } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startS3Emulator } from '@holdfast/emulators'
import { expect } from 'vitest'
import { type Bundler, programOf } from '../src/bundlers.ts'

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

/** Expects that a bundled handler works where nothing is installed, as in the archive of a function of AWS Lambda. */
export async function runsAsHandler(bundle: Bundler): Promise<void> {
  const folder = await emptyFolder()
  const module = await bundle(programOf('lambda'), folder)
  const { handler } = createRequire(import.meta.url)(module) as {
    handler: (event: object) => Promise<readonly number[]>
  }
  await using s3 = await startS3Emulator({ buckets: ['checkpoints'] })
  const url = `s3://checkpoints/a?endpoint=${s3.endpoint}&region=${s3.region}`
  expect(await handler({ url, credentials: s3.credentials })).toEqual([7])
}
