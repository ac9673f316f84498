import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** The virtual environment that `npx -y pnpm@12 test:python` makes. */
const environmentOfTests = join(homedir(), '.cache', 'holdfast', 'python-tests', 'bin', 'python')

const modules = ['torch', 'lightning', 'transformers', 'accelerate', 'safetensors']

/** The Python with PyTorch, Lightning and transformers: that of `HOLDFAST_PYTHON`, or of the tests' virtual environment. */
export function pythonWithTrainers(environment: NodeJS.ProcessEnv): string | undefined {
  const python = environment['HOLDFAST_PYTHON'] ?? environmentOfTests
  const check = `import importlib.util as u, sys; sys.exit(any(u.find_spec(m) is None for m in ${JSON.stringify(modules)}))`
  return spawnSync(python, ['-c', check]).status === 0 ? python : undefined
}

export const howToInstall =
  'no Python with PyTorch, Lightning and transformers: npx -y pnpm@12 test:python installs one'

/** No accelerator, so that the weights are the same in every run. */
export const pythonEnvironment = { CUDA_VISIBLE_DEVICES: '', TOKENIZERS_PARALLELISM: 'false' } as const

/** Runs a script to its end. Rejects with its output if it fails. */
export async function runPython(python: string, ...words: readonly string[]): Promise<void> {
  const child = spawn(python, words, {
    env: { ...process.env, ...pythonEnvironment },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const output = Array.fromAsync(child.stderr)
  await once(child, 'exit')
  if (child.exitCode !== 0)
    throw new Error(`${words.join(' ')} failed: ${Buffer.concat(await output).toString()}`)
}
