/**
 * `npx -y pnpm@12 test:python [--without-torch]` checks the Python package with ruff and mypy, and runs all tests that need
 * Python, also those with torch and with real trainers. It makes an environment in `~/.cache/holdfast/python-tests` first,
 * since torch takes long to download.
 * HOLDFAST_PYTHON names another. `--without-torch` ignores HOLDFAST_PYTHON, and makes an environment with pytest and ruff only.
 * It skips the tests that need more, and mypy, which needs the types of torch.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { root } from './parts/checkout.ts'
import { readCommandLine } from './parts/command-line.ts'

const config = { options: { 'without-torch': { type: 'boolean', default: false } } } as const
const withoutTorch = readCommandLine(import.meta.filename, config, ({ values }) => values['without-torch'])
const environment = join(homedir(), '.cache', 'holdfast', withoutTorch ? 'python-pytest' : 'python-tests')
const named = withoutTorch ? undefined : process.env['HOLDFAST_PYTHON']
const python = named ?? join(environment, 'bin', 'python')
const folder = join(root, 'python')

const tools = ['pytest>=8', 'ruff']
const trainers = ['mypy', 'torch>=2.4', 'numpy', 'lightning', 'transformers', 'accelerate', 'safetensors']
const tests = ['packages/core/test/data/python.test.ts', 'tests/stores/test/python-package.test.ts']
const testsWithTorch = ['python-torch', 'trainers', 'torch-ranks'].map(
  (name) => `tests/stores/test/${name}.long.test.ts`,
)

if (!existsSync(python)) {
  run(root, 'python3', '-m', 'venv', environment)
  run(folder, python, '-m', 'pip', 'install', ...tools, ...(withoutTorch ? [] : trainers))
}
run(folder, python, '-m', 'ruff', 'check', '.')
run(folder, python, '-m', 'ruff', 'format', '--check', '.')
if (!withoutTorch) run(folder, python, '-m', 'mypy')
run(root, 'vitest', 'run', ...tests, ...(withoutTorch ? [] : testsWithTorch))

/** Runs a command that prints to the terminal. Ends this process if it fails. */
function run(directory: string, program: string, ...words: readonly string[]): void {
  const { status } = spawnSync(program, words, { cwd: directory, env: variables(), stdio: 'inherit' })
  if (status === 0) return
  console.error(`${program} ${words.join(' ')} failed.`)
  process.exit(1)
}

/**
 * Returns the variables by which tests find the Python. A test fails if the one that HOLDFAST_PYTHON names lacks a module. So
 * without torch, `PATH` names it, and tests that need torch are skipped.
 */
function variables(): NodeJS.ProcessEnv {
  if (!withoutTorch) return { ...process.env, HOLDFAST_PYTHON: python }
  const { HOLDFAST_PYTHON: _, ...others } = process.env
  return { ...others, PATH: `${join(environment, 'bin')}${delimiter}${process.env['PATH'] ?? ''}` }
}
