import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { withLock } from './lock.ts'
import { failedWith } from './system.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** Milliseconds that one process waits for the install of another. */
const longestInstall = 30 * 60_000

/** Follows the XDG base directory specification, which has a relative path ignored. */
export function cacheFolder(environment: NodeJS.ProcessEnv): string {
  const { XDG_CACHE_HOME: given } = environment
  const base = given !== undefined && isAbsolute(given) ? given : join(homedir(), '.cache')
  return join(base, 'holdfast-test-servers')
}

export function serverFolder(
  environment: NodeJS.ProcessEnv,
  { kind, version }: { readonly kind: string; readonly version: string },
): string {
  return join(cacheFolder(environment), `${kind}-${version}`)
}

/** A folder under its name is whole: it was given that name last. */
export function isInstalled(folder: string): boolean {
  return existsSync(folder)
}

/**
 * Makes a folder of the cache whole or not at all: `install` fills a temporary folder beside it, which is then
 * renamed. What an interrupted install left is removed by the next one.
 */
export async function installInto(
  folder: string,
  install: (temporary: string) => Promise<void>,
): Promise<void> {
  const parent = dirname(folder)
  await mkdir(parent, { recursive: true })
  await withLock(`${folder}.lock`, AbortSignal.timeout(longestInstall), async () => {
    if (isInstalled(folder)) return
    const temporary = await temporaryFolder(parent, `${basename(folder)}.installing-`)
    try {
      await install(temporary)
      await giveName(temporary, folder)
    } finally {
      await rm(temporary, { recursive: true, force: true })
    }
  })
}

async function giveName(temporary: string, folder: string): Promise<void> {
  try {
    await rename(temporary, folder)
  } catch (error) {
    // Another process was faster.
    if (!failedWith(error, 'ENOTEMPTY', 'EEXIST')) throw error
  }
}
