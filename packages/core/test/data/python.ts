import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const folderOfExample = fileURLToPath(new URL('../../../../examples/pytorch', import.meta.url))

/** Keeps Python from writing compiled files into the repository. */
export const environmentOfPython: NodeJS.ProcessEnv = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' }

const interpreters = ['python3', '/usr/bin/python3']

/** Returns a Python interpreter that can import these modules, if one is installed. */
export function pythonWith(...modules: readonly string[]): string | undefined {
  return interpreters.find((interpreter) => {
    try {
      const program = [
        'import sys',
        'assert sys.version_info >= (3, 8)',
        ...modules.map((name) => `import ${name}`),
      ]
      execFileSync(interpreter, ['-c', program.join('\n')], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })
}
