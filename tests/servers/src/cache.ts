import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { withLock } from './lock.ts'
import { failedWith } from './system.ts'
import { temporaryFolder } from './temporary-folder.ts'

/** Milliseconds for which a process waits while another process installs the same server. */
const maxInstallTime = 30 * 60_000

/**
 * Returns the cache folder. A relative `XDG_CACHE_HOME` is ignored, as the XDG specification requires:
 * https://specifications.freedesktop.org/basedir-spec/latest/.
 */
export function cacheFolder(environment: NodeJS.ProcessEnv): string {
  const { XDG_CACHE_HOME: configured } = environment
  const base = configured !== undefined && isAbsolute(configured) ? configured : join(homedir(), '.cache')
  return join(base, 'holdfast-test-servers')
}

export function serverFolder(
  environment: NodeJS.ProcessEnv,
  { kind, version }: { readonly kind: string; readonly version: string },
): string {
  return join(cacheFolder(environment), `${kind}-${version}`)
}

/** Whether a server is installed completely. A folder gets its final name only after the install has finished. */
export function isInstalled(folder: string): boolean {
  return existsSync(folder)
}

/**
 * Creates a folder of the cache atomically: `install` fills a temporary folder beside it, which is then renamed. The
 * next call removes the leftovers of an interrupted install.
 */
export async function installInto(
  folder: string,
  install: (temporary: string) => Promise<void>,
): Promise<void> {
  const parent = dirname(folder)
  await mkdir(parent, { recursive: true })
  await withLock(`${folder}.lock`, AbortSignal.timeout(maxInstallTime), async () => {
    if (isInstalled(folder)) return
    const temporary = await temporaryFolder(parent, `${basename(folder)}.installing-`)
    try {
      await install(temporary)
      await renameUnlessExists(temporary, folder)
    } finally {
      await rm(temporary, { recursive: true, force: true })
    }
  })
}

async function renameUnlessExists(temporary: string, folder: string): Promise<void> {
  try {
    await rename(temporary, folder)
  } catch (error) {
    // Another process has installed the server in the meantime.
    if (!failedWith(error, 'ENOTEMPTY', 'EEXIST')) throw error
  }
}
