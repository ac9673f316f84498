import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../harness/command.ts'

const packages = fileURLToPath(new URL('../../../packages', import.meta.url))

/** Installs the command line as npm would, with the adapter for local stores. Returns the file that it runs. */
export async function installCommandLine(folder: string): Promise<string> {
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  const tarballs: string[] = []
  for (const name of ['core', 'adapter-fs', 'page', 'watch', 'cli']) {
    const tarball = join(folder, `${name}.tgz`)
    await run('pnpm', ['--dir', join(packages, name), 'pack', '--out', tarball])
    tarballs.push(tarball)
  }
  const options = ['--prefix', folder, '--no-audit', '--no-fund', '--prefer-offline']
  await run('npm', ['install', ...options, ...tarballs])
  return join(folder, 'node_modules', 'holdfast', 'bundle', 'main.js')
}
