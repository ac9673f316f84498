import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Tool } from './definition.ts'

const execute = promisify(execFile)

export interface RunOptions {
  readonly environment?: NodeJS.ProcessEnv | undefined
  readonly directory?: string | undefined
}

/** Runs a command and returns its output. If the command fails, rejects with the last lines of its output. */
export async function run(
  file: string,
  args: readonly string[],
  { environment, directory }: RunOptions = {},
): Promise<string> {
  try {
    const { stdout, stderr } = await execute(file, args, {
      env: environment,
      cwd: directory,
      maxBuffer: 2 ** 26,
    })
    return stdout + stderr
  } catch (error) {
    throw new Error(`${[file, ...args].join(' ')} failed:\n${lastLines(outputOf(error))}`, { cause: error })
  }
}

/** Returns the names of tools that are missing or have an unsuitable version. */
export async function missingTools(
  tools: readonly Tool[],
  environment: NodeJS.ProcessEnv,
): Promise<readonly string[]> {
  const found = await Promise.all(tools.map(async (tool) => isUsable(tool, environment)))
  return tools.filter((_, index) => found[index] !== true).map(({ name }) => name)
}

async function isUsable(
  { command, args, accepts = () => true }: Tool,
  environment: NodeJS.ProcessEnv,
): Promise<boolean> {
  try {
    return accepts(await run(command, args, { environment }))
  } catch {
    return false
  }
}

/** Returns the last lines of a log, which usually name the error. */
export function lastLines(text: string, count = 40): string {
  return text.trimEnd().split('\n').slice(-count).join('\n')
}

function outputOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const printed = ['stdout', 'stderr'].map((name) => String(Reflect.get(error, name) ?? '')).join('')
  return printed.trim() === '' ? error.message : printed
}
