import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './checkout.ts'
import { run, show } from './run-program.ts'
import { replaceFolder } from './replace-folder.ts'

const installed = ['core', 'adapter-fs', 'adapter-s3', 'adapter-gcs', 'adapter-azure', 'watch', 'page', 'cli']

/** Builds the packages that `installPackages` installs, and what they need. */
export function buildPackages(): void {
  const filters = installed.map((name) => `--filter=./packages/${name}...`)
  show('pnpm', 'exec', 'turbo', 'run', 'build', '--output-logs=errors-only', ...filters)
}

/**
 * Installs the command line of this checkout, with core and every adapter, into a folder, which it replaces. If that fails, the
 * folder stays as it is. It packs each package as a release does, so the installed files equal those in the registry.
 */
export function installPackages(folder: string): void {
  const packed = mkdtempSync(join(tmpdir(), 'holdfast-install-'))
  try {
    const tarballs = installed.map((name) => pack(name, packed))
    replaceFolder(folder, (next) => {
      writeFileSync(join(next, 'package.json'), '{ "private": true }\n')
      run(next, 'npm', 'install', '--no-audit', '--no-fund', ...tarballs)
    })
  } finally {
    rmSync(packed, { recursive: true })
  }
}

/** Returns the version of the command line. */
export function versionOfCommand(): string {
  const manifest = readFileSync(join(root, 'packages', 'cli', 'package.json'), 'utf8')
  return (JSON.parse(manifest) as { readonly version: string }).version
}

function pack(name: string, folder: string): string {
  const tarball = join(folder, `${name}.tgz`)
  run(join(root, 'packages', name), 'pnpm', 'pack', '--out', tarball)
  return tarball
}
