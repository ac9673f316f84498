import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'

/**
 * The Python with PyTorch, Lightning and transformers: that of `HOLDFAST_TEST_PYTHON`, or of the virtual environment
 * `holdfast-test-python` in the cache folder of the user.
 */
export function pythonWithTrainers(environment: NodeJS.ProcessEnv): string | undefined {
  const { HOLDFAST_TEST_PYTHON: chosen, XDG_CACHE_HOME: configured } = environment
  const caches = configured !== undefined && isAbsolute(configured) ? configured : join(homedir(), '.cache')
  const python = chosen ?? join(caches, 'holdfast-test-python', 'bin', 'python')
  if (!existsSync(python)) return undefined
  const modules = ['torch', 'lightning', 'transformers', 'accelerate', 'safetensors']
  const check = `import importlib.util as u, sys; sys.exit(any(u.find_spec(m) is None for m in ${JSON.stringify(modules)}))`
  return spawnSync(python, ['-c', check]).status === 0 ? python : undefined
}

export const howToInstall =
  'no Python with PyTorch. Make one: python3 -m venv ~/.cache/holdfast-test-python && ' +
  '~/.cache/holdfast-test-python/bin/pip install torch lightning transformers accelerate'

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
