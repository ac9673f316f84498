import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const folderOfExample = fileURLToPath(new URL('../../../../examples/pytorch', import.meta.url))

/** Python is asked to keep its compiled files to itself. */
export const environmentOfPython: NodeJS.ProcessEnv = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' }

const interpreters = ['python3', '/usr/bin/python3']

/** A Python that can import these modules, where there is one. */
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
