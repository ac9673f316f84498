import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startS3Emulator } from '@holdfast/emulators'
import { expect, test } from 'vitest'

const folder = fileURLToPath(new URL('../../../python', import.meta.url))
const main = join(dirname(createRequire(import.meta.url).resolve('holdfast/package.json')), 'dist/main.js')

interface Outcome {
  readonly code: number | string | null
  readonly output: string
}

async function run(program: string, words: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const options = { cwd: import.meta.dirname, env: { ...process.env, ...env } }
    execFile(program, words, options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? null), output: `${stdout}${stderr}` })
    })
  })
}

/** Returns the first Python that can run the tests. HOLDFAST_PYTHON names one, for example with torch. */
async function pythonWithPytest(): Promise<string | undefined> {
  const check = 'import sys, pytest; assert sys.version_info >= (3, 10)'
  for (const python of [process.env['HOLDFAST_PYTHON'], 'python3', '/usr/bin/python3']) {
    if (python !== undefined && (await run(python, ['-c', check])).code === 0) return python
  }
  return undefined
}

/** Long enough for a busy machine, since the tests start about 15 processes, and with torch also trainings that are killed. */
const timeout = 1_200_000

test('the Python package passes its own tests on a disk and on S3', { timeout }, async ({ skip }) => {
  const python = await pythonWithPytest()
  if (python === undefined) return skip('no Python of 3.10 or newer with pytest is installed')
  await using emulator = await startS3Emulator({ buckets: ['python'] })
  const { endpoint, region, credentials } = emulator
  const words = ['-m', 'pytest', '--config-file', join(folder, 'pyproject.toml'), join(folder, 'tests')]
  const { code, output } = await run(python, words, {
    HOLDFAST_NODE: process.execPath,
    HOLDFAST_MAIN: main,
    HOLDFAST_TEST_S3: `s3://python?endpoint=${endpoint}&region=${region}`,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    PYTHONPATH: join(folder, 'src'),
    PYTHONDONTWRITEBYTECODE: '1',
  })
  console.log(output.trim().split('\n').at(-1)) // says how many tests ran
  expect({ code, output }).toEqual({ code: 0, output })
})
