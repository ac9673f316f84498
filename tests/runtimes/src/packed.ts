import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '@holdfast/test-servers'

/**
 * Installs packages of this repository into a folder as npm would install them from the registry, by the names of their folders
 * in `packages/`.
 */
export async function installPacked(folder: string, names: readonly string[]): Promise<void> {
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n')
  const packed = await mkdtemp(join(tmpdir(), 'holdfast-packed-'))
  const tarballs = names.map((name) => ({ name, tarball: join(packed, `${name}.tgz`) }))
  for (const { name, tarball } of tarballs) {
    const directory = fileURLToPath(new URL(`../../../packages/${name}`, import.meta.url))
    await run('npx', ['-y', 'pnpm@12', 'pack', '--out', tarball], { directory })
  }
  const words = [
    'install',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    ...tarballs.map(({ tarball }) => tarball),
  ]
  await run('npm', words, { directory: folder })
}
