import { execFileSync } from 'node:child_process'
import { mkdir, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const bytes = 2 * 2 ** 30

/** The command that creates each file system with support for clones (reflinks). */
const commands = {
  btrfs: ['mkfs.btrfs', '--quiet'],
  xfs: ['mkfs.xfs', '-q', '-m', 'reflink=1'],
} as const

export type KindOfFileSystem = keyof typeof commands

/** A real file system on a loop device, or the reason why this machine cannot create one. */
export type LoopFileSystem =
  | { readonly how: 'mounted'; readonly folder: string; readonly image: string }
  | { readonly how: 'unavailable'; readonly reason: string }

/** Creates and mounts a file system until the tests of the file have ended. */
export async function loopFileSystem(kind: KindOfFileSystem): Promise<LoopFileSystem> {
  const folder = join(tmpdir(), `holdfast-${kind}-${process.pid}`)
  const image = `${folder}.img`
  const [command, ...options] = commands[kind]
  await mkdir(folder)
  await writeFile(image, '')
  await truncate(image, bytes)
  try {
    execFileSync(command, [...options, image], { stdio: 'pipe' })
    execFileSync('mount', ['-o', 'loop', image, folder], { stdio: 'pipe' })
  } catch (error) {
    await rm(folder, { recursive: true })
    await rm(image)
    return { how: 'unavailable', reason: reasonOf(error) }
  }
  afterAll(async () => {
    execFileSync('umount', [folder])
    await rm(folder, { recursive: true })
    await rm(image)
  })
  return { how: 'mounted', folder, image }
}

/** Returns the reason why a command failed, on one line. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && error.code === 'ENOENT' && 'path' in error)
    return `${String(error.path)} is not installed`
  const printed = 'stderr' in error && error.stderr instanceof Buffer ? error.stderr.toString() : ''
  return printed.trim().replaceAll(/\s+/g, ' ') || error.message
}
