import * as nodeModule from 'node:module'
import { compileCacheFolder } from './compile-cache.ts'
import type { ReleaseWarnings } from './signals/early-signals.ts'
import { StandardOutput } from './streams/standard-output.ts'
import { version } from './version.ts'

/** Runs the command line of this process. */
export async function start(releaseWarnings: ReleaseWarnings): Promise<void> {
  const output = new StandardOutput()
  output.watch()

  // Scripts call --version to check for Holdfast. Loading the program would double the time.
  const [only, ...others] = process.argv.slice(2)
  if (others.length === 0 && (only === '--version' || only === '-V')) {
    process.stdout.write(`${version()}\n`)
    output.end(0)
    return
  }
  const folder = compileCacheFolder(process.env)
  // Deno and Bun have no compile cache.
  if (folder !== undefined && 'enableCompileCache' in nodeModule) nodeModule.enableCompileCache(folder)
  const { runCommandLine } = await import('./run-command-line.ts')
  output.end(await runCommandLine(process.argv, { version: version(), releaseWarnings }))
}
