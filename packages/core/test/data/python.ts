import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** Python finds the package of this repository, and writes no compiled files into it. */
export const environmentOfPython: NodeJS.ProcessEnv = {
  ...process.env,
  PYTHONPATH: fileURLToPath(new URL('../../../../python/src', import.meta.url)),
  PYTHONDONTWRITEBYTECODE: '1',
}

/** HOLDFAST_PYTHON names one, for example with torch. */
const interpreters = [process.env['HOLDFAST_PYTHON'] ?? 'python3', 'python3', '/usr/bin/python3']

/** Returns a Python interpreter that can import these modules, if one is installed. */
export function pythonWith(...modules: readonly string[]): string | undefined {
  return interpreters.find((interpreter) => {
    try {
      const program = [
        'import sys',
        'assert sys.version_info >= (3, 10)',
        ...modules.map((name) => `import ${name}`),
      ]
      execFileSync(interpreter, ['-c', program.join('\n')], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })
}
