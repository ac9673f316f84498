import { join } from 'node:path'
import { test } from 'vitest'
import { filesWithTorch, pythonTests, runPytest } from './support/pytest.ts'
import { pythonWithPytest } from './support/python.ts'

const timeout = 1_200_000

test(
  'the Python package passes its tests that need no torch, on a disk and on S3',
  { timeout },
  async ({ skip, signal }) => {
    const python = pythonWithPytest(process.env)
    if (python === undefined) return skip('no Python of 3.10 or newer with pytest is installed')
    const others = filesWithTorch.flatMap((file) => ['--ignore', join(pythonTests, file)])
    await runPytest(python, [pythonTests, ...others], timeout, signal)
  },
)
