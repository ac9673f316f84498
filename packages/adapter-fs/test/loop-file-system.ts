import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const bytes = 2 * 2 ** 30

/** The command that creates each file system: btrfs and xfs with support for clones (reflinks), exFAT without hard links. */
const commands = {
  btrfs: ['mkfs.btrfs', '--quiet'],
  xfs: ['mkfs.xfs', '-q', '-m', 'reflink=1'],
  exfat: ['mkfs.exfat'],
} as const

export type KindOfFileSystem = keyof typeof commands

/** A real file system on a loop device, or the reason why this machine cannot create one. */
export type LoopFileSystem =
  | { readonly how: 'mounted'; readonly folder: string; readonly image: string }
  | { readonly how: 'unavailable'; readonly reason: string }

/** Creates and mounts a file system until the tests of the file have ended. */
export async function loopFileSystem(kind: KindOfFileSystem): Promise<LoopFileSystem> {
  const parent = await mkdtemp(join(tmpdir(), `holdfast-${kind}-`))
  const folder = join(parent, 'mounted')
  const image = join(parent, 'image')
  const [command, ...options] = commands[kind]
  await mkdir(folder)
  await writeFile(image, '')
  await truncate(image, bytes)
  try {
    execFileSync(command, [...options, image], { stdio: 'pipe' })
    mount(kind, image, folder)
  } catch (error) {
    await rm(parent, { recursive: true })
    return { how: 'unavailable', reason: reasonOf(error) }
  }
  afterAll(async () => {
    unmount(folder)
    await rm(parent, { recursive: true })
  })
  return { how: 'mounted', folder, image }
}

function mount(kind: KindOfFileSystem, image: string, folder: string): void {
  try {
    execFileSync('mount', ['-o', 'loop', image, folder], { stdio: 'pipe' })
  } catch (error) {
    if (kind !== 'exfat') throw error
    // The kernel has no driver, so the one for FUSE is tried. It requires a device.
    const device = execFileSync('losetup', ['--find', '--show', image], { encoding: 'utf8' }).trim()
    try {
      execFileSync('mount.exfat-fuse', [device, folder], { stdio: 'pipe' })
    } finally {
      execFileSync('losetup', ['--detach', device]) // takes effect when the file system is unmounted
    }
  }
}

/** A file system that another program uses at this moment, such as an indexer, is unmounted when that program has left. */
function unmount(folder: string): void {
  try {
    execFileSync('umount', [folder], { stdio: 'pipe' })
  } catch {
    execFileSync('umount', ['--lazy', folder], { stdio: 'pipe' })
  }
}

/** Returns the reason why a command failed, on one line. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if ('code' in error && error.code === 'ENOENT' && 'path' in error)
    return `${String(error.path)} is not installed`
  const printed = 'stderr' in error && error.stderr instanceof Buffer ? error.stderr.toString() : ''
  return printed.trim().replaceAll(/\s+/g, ' ') || error.message
}
