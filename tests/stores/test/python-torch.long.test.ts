import { join } from 'node:path'
import { test } from 'vitest'
import { filesWithTorch, pythonTests, runPytest } from './support/pytest.ts'
import { howToInstall, pythonWithTrainers } from './support/python.ts'

/** A hang ends after this time. On two idle cores, the longest of these files takes a few minutes. */
const timeout = 60 * 60_000

test.for(filesWithTorch)(
  'the Python package passes %s with torch, on a disk and on S3',
  { timeout },
  async (file, { skip, signal }) => {
    const python = pythonWithTrainers(process.env)
    if (python === undefined) return skip(howToInstall)
    await runPytest(python, [join(pythonTests, file)], timeout, signal)
  },
)
