import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Runs a program to its end, and gives what it printed. Rejects when it fails. */
export async function run(
  file: string,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  const { stdout } = await execute(file, args, {
    maxBuffer: 2 ** 26,
    env: { ...process.env, ...environment },
  })
  return stdout
}

/** The first line of what a program prints; `undefined` when it is not there. */
export async function firstLine(file: string, args: readonly string[]): Promise<string | undefined> {
  try {
    return (await run(file, args)).trim().split('\n')[0]
  } catch {
    return undefined
  }
}
