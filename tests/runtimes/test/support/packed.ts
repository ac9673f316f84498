import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run, withLock } from '@holdfast/test-servers'

/** The folder of the repository. */
const root = fileURLToPath(new URL('../../../..', import.meta.url))

/** Milliseconds for which a test file waits for others that pack. */
const longestPacking = 900_000

/**
 * Installs packages of this repository into a folder as npm would install them from the registry, by the names of their folders
 * in `packages/`.
 */
export async function installPacked(folder: string, names: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  const packed = await mkdtemp(join(tmpdir(), 'holdfast-packed-'))
  const tarballs = names.map((name) => ({ name, tarball: join(packed, `${name}.tgz`) }))
  // Packing builds the bundle of a package in its folder, so several test files must not pack at once.
  await withLock(
    join(root, 'node_modules', '.packing.lock'),
    AbortSignal.timeout(longestPacking),
    async () => {
      for (const { name, tarball } of tarballs)
        await run('npx', ['-y', 'pnpm@12', 'pack', '--out', tarball], {
          directory: join(root, 'packages', name),
        })
    },
  )
  const words = [
    'install',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    ...tarballs.map(({ tarball }) => tarball),
  ]
  await run('npm', words, { directory: folder })
}
