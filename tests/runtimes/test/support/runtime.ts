import { join } from 'node:path'
import { cacheFolder, installInto, run } from '@holdfast/test-servers'

export const runtimes = {
  bun: { version: '1.4.5', args: [] },
  deno: { version: '2.9.6', args: ['run', '--allow-all', '--no-prompt'] },
} as const satisfies Readonly<Record<string, { readonly version: string; readonly args: readonly string[] }>>

export type RuntimeName = keyof typeof runtimes

/** The command that runs a module on a runtime. */
export interface Runtime {
  readonly file: string
  readonly args: readonly string[]
}

/**
 * Returns the command for a runtime. Its npm package is installed into the cache of the test servers if it is missing, which
 * downloads up to 100 MB. Rejects if that fails.
 */
export async function installedRuntime(name: RuntimeName, environment = process.env): Promise<Runtime> {
  const { version, args } = runtimes[name]
  const folder = join(cacheFolder(environment), `${name}-${version}`)
  await installInto(folder, async (temporary) => {
    const words = ['install', '--no-audit', '--no-fund', '--no-save', '--prefix', temporary]
    await run('npm', [...words, `${name}@${version}`], { environment })
    await run(binary(temporary, name), ['--version'], { environment })
  })
  return { file: binary(folder, name), args }
}

function binary(folder: string, name: RuntimeName): string {
  return join(folder, 'node_modules', '.bin', name)
}
