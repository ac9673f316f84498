import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/**
 * Runs a program to its end and returns its standard output. If it fails, rejects with the last line of its errors.
 */
export async function run(
  file: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  try {
    const { stdout } = await execute(file, args, {
      maxBuffer: 2 ** 26,
      env: { ...process.env, ...environment },
    })
    return stdout
  } catch (error) {
    const errors = error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)
    throw new Error(`${file} failed: ${errors.trim().split('\n').at(-1) ?? ''}`, { cause: error })
  }
}

/** Returns the message of what was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Returns the first line that a program prints, or `undefined` if the program cannot be run. */
export async function firstLine(file: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return (await run(file, args)).trim().split('\n')[0]
  } catch {
    return undefined
  }
}
