import { execFile, spawnSync } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type S3Emulator, startS3Emulator } from '@holdfast/emulators'
import { describe, expect, onTestFinished, test } from 'vitest'

const example = fileURLToPath(new URL('../../../examples/pytorch', import.meta.url))
const main = join(dirname(createRequire(import.meta.url).resolve('holdfast/package.json')), 'dist/main.js')
const hasPython = spawnSync('python3', ['--version']).status === 0

/** A Python program that saves a file, or restores a checkpoint and prints its data state. */
const program = `
import json, sys
from holdfast_checkpoints import restore, save
if sys.argv[1] == "save":
    save([sys.argv[2]], 7, {"position": 640})
else:
    print("restored", json.dumps(restore(sys.argv[2])))
`

interface Outcome {
  readonly failed: boolean
  readonly stdout: string
  readonly stderr: string
}

/**
 * Returns functions that run the Python functions of the example on a bucket of an emulator. They call the real command
 * line, which is on the PATH.
 */
async function exampleOn({ endpoint, region, credentials }: S3Emulator, bucket: string) {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-python-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const command = join(folder, 'holdfast')
  const here = import.meta.dirname // the command line resolves the adapter from this folder
  await writeFile(
    command,
    `#!/bin/sh\ncd '${here}' && exec '${process.execPath}' '${main}' "$@" --adapter @holdfast/adapter-s3\n`,
  )
  await chmod(command, 0o755)
  const env = {
    ...process.env,
    PATH: `${folder}${delimiter}${process.env['PATH'] ?? ''}`,
    PYTHONDONTWRITEBYTECODE: '1',
    HOLDFAST_STORE: `s3://${bucket}/run?endpoint=${endpoint}&region=${region}`,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  }
  const run = async (what: 'save' | 'restore', path: string): Promise<Outcome> =>
    new Promise((resolve) => {
      execFile('python3', ['-c', program, what, path], { cwd: example, env }, (error, stdout, stderr) => {
        resolve({ failed: error !== null, stdout, stderr })
      })
    })
  return {
    save: () => run('save', main),
    restore: () => run('restore', join(folder, 'resume')),
  }
}

describe.skipIf(!hasPython)(`restore in Python${hasPython ? '' : ' (skipped: no python3)'}`, () => {
  test('returns nothing for a store without checkpoints, and the data state of the latest one', async () => {
    await using emulator = await startS3Emulator({ buckets: ['there'] })
    const { save, restore } = await exampleOn(emulator, 'there')
    expect(await restore()).toMatchObject({ failed: false, stdout: 'restored null\n' })
    expect(await save()).toMatchObject({ failed: false })
    expect(await restore()).toMatchObject({ failed: false, stdout: 'restored {"position": 640}\n' })
  })

  test('raises an error if the bucket does not exist', async () => {
    await using emulator = await startS3Emulator({ buckets: ['there'] })
    const { restore } = await exampleOn(emulator, 'mistyped')
    const { failed, stdout, stderr } = await restore()
    expect({ failed, stdout }).toEqual({ failed: true, stdout: '' })
    expect(stderr).toContain('"code":"NOT_FOUND"')
  })

  test('raises an error if the store denies access', async () => {
    await using emulator = await startS3Emulator({ buckets: ['there'], denies: () => true })
    const { restore } = await exampleOn(emulator, 'there')
    expect(await restore()).toMatchObject({ failed: true, stdout: '' })
  })
})
