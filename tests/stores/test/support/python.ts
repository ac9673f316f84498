import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { startInGroup } from './process-group.ts'

/** The virtual environment that `npx -y pnpm@12 test:python` makes. */
const environmentOfTests = join(homedir(), '.cache', 'holdfast', 'python-tests', 'bin', 'python')

const trainers = ['torch', 'lightning', 'transformers', 'accelerate', 'safetensors']

/** The Python that runs the tests of the package. */
export function pythonWithPytest(environment: NodeJS.ProcessEnv): string | undefined {
  return pythonWith(['pytest'], ['python3', '/usr/bin/python3', environmentOfTests], environment)
}

/** The Python with PyTorch, Lightning and transformers. */
export function pythonWithTrainers(environment: NodeJS.ProcessEnv): string | undefined {
  return pythonWith([...trainers, 'pytest'], [environmentOfTests], environment)
}

/**
 * Returns the first of these Pythons that has the modules. `HOLDFAST_PYTHON` names another one. Throws if that lacks a module,
 * since its tests would be skipped unnoticed.
 */
function pythonWith(
  modules: readonly string[],
  candidates: readonly string[],
  environment: NodeJS.ProcessEnv,
): string | undefined {
  const named = environment['HOLDFAST_PYTHON']
  if (named === undefined) return candidates.find((python) => hasModules(python, modules))
  if (hasModules(named, modules)) return named
  throw new Error(
    `HOLDFAST_PYTHON names ${named}, which is not a Python 3.10 or newer with ${modules.join(', ')}. Install them, or unset HOLDFAST_PYTHON.`,
  )
}

function hasModules(python: string, modules: readonly string[]): boolean {
  const check = `import importlib.util as u, sys; sys.exit(sys.version_info < (3, 10) or any(u.find_spec(m) is None for m in ${JSON.stringify(modules)}))`
  return spawnSync(python, ['-c', check]).status === 0
}

export const howToInstall =
  'no Python with PyTorch, Lightning and transformers: npx -y pnpm@12 test:python installs one'

/** No accelerator, so that the weights are the same in every run. */
export const pythonEnvironment = { CUDA_VISIBLE_DEVICES: '', TOKENIZERS_PARALLELISM: 'false' } as const

/** Runs a script to its end. Rejects with its output if it fails. */
export async function runPython(python: string, ...words: readonly string[]): Promise<void> {
  const child = startInGroup(python, words, {
    env: { ...process.env, ...pythonEnvironment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (errors += text))
  await once(child, 'close')
  if (child.exitCode !== 0) throw new Error(`${words.join(' ')} failed: ${errors}`)
}
