import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startS3Emulator } from '@holdfast/emulators'
import { expect } from 'vitest'
import { startInGroup } from './process-group.ts'

const folder = fileURLToPath(new URL('../../../../python', import.meta.url))
const main = join(dirname(createRequire(import.meta.url).resolve('holdfast/package.json')), 'dist/main.js')

/** The folder of the tests of the Python package. */
export const pythonTests = join(folder, 'tests')

/** The tests that need torch. They start about 60 processes that import it. */
export const filesWithTorch = [
  'test_dcp.py',
  'test_huggingface.py',
  'test_huggingface_ranks.py',
  'test_killed_trainings.py',
  'test_lightning.py',
  'test_torch.py',
] as const

/**
 * Runs tests of the Python package on a disk and on an emulator of S3. Fails with what they print, also if they have not ended
 * a minute before the timeout of the test, in milliseconds.
 */
export async function runPytest(
  python: string,
  words: readonly string[],
  timeout: number,
  signal: AbortSignal,
): Promise<void> {
  await using emulator = await startS3Emulator({ buckets: ['python'] })
  const { endpoint, region, credentials } = emulator
  const config = ['--config-file', join(folder, 'pyproject.toml')]
  const child = startInGroup(python, ['-m', 'pytest', ...config, '-vv', '-r', 's', ...words], {
    cwd: import.meta.dirname,
    env: {
      ...process.env,
      HOLDFAST_NODE: process.execPath,
      HOLDFAST_MAIN: main,
      HOLDFAST_TEST_S3: `s3://python?endpoint=${endpoint}&region=${region}`,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
      PYTHONPATH: join(folder, 'src'),
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONUNBUFFERED: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (output += text))
  try {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeout - 60_000)])
    await once(child, 'close', { signal: limit })
  } catch (error) {
    throw new Error(`pytest has not ended. It printed:\n${output}`, { cause: error })
  }
  // How many tests ran. A failed assertion would shorten the output.
  console.log(child.exitCode === 0 ? output.trim().split('\n').at(-1) : output)
  expect({ code: child.exitCode, signal: child.signalCode }).toEqual({ code: 0, signal: null })
}
