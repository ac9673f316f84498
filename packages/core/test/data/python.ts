import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Python finds the package of this repository, and writes no compiled files into it. */
export const environmentOfPython: NodeJS.ProcessEnv = {
  ...process.env,
  PYTHONPATH: fileURLToPath(new URL('../../../../python/src', import.meta.url)),
  PYTHONDONTWRITEBYTECODE: '1',
}

const named = process.env['HOLDFAST_PYTHON']
const interpreters = named === undefined ? ['python3', '/usr/bin/python3'] : [named]

/**
 * Returns a Python interpreter that has these modules, if one is installed. `HOLDFAST_PYTHON` names one, for example with torch.
 * Throws if it names one that lacks a module, since its tests would be skipped unnoticed.
 */
export function pythonWith(...modules: readonly string[]): string | undefined {
  const found = interpreters.find((interpreter) => hasModules(interpreter, modules))
  if (found === undefined && named !== undefined)
    throw new Error(
      `HOLDFAST_PYTHON names ${named}, which is not a Python 3.10 or newer with ${['sys', ...modules].join(', ')}. Install them, or unset HOLDFAST_PYTHON.`,
    )
  return found
}

function hasModules(interpreter: string, modules: readonly string[]): boolean {
  const check = `import importlib.util as u, sys; sys.exit(sys.version_info < (3, 10) or any(u.find_spec(m) is None for m in ${JSON.stringify(modules)}))`
  return spawnSync(interpreter, ['-c', check]).status === 0
}
