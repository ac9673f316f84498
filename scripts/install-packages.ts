import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { replaceFolder } from './replace-folder.ts'

const installed = ['core', 'adapter-fs', 'adapter-s3', 'adapter-gcs', 'adapter-azure', 'watch', 'page', 'cli']

/** The root of the checkout. */
export const root = fileURLToPath(new URL('..', import.meta.url))

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

/** Runs a command. If it fails, prints its output and throws. */
export function run(directory: string, program: string, ...words: readonly string[]): string {
  try {
    return execFileSync(program, words, { cwd: directory, encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string }
    process.stderr.write(`${[program, ...words].join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}\n`)
    throw error
  }
}

function pack(name: string, folder: string): string {
  const tarball = join(folder, `${name}.tgz`)
  run(join(root, 'packages', name), 'pnpm', 'pack', '--out', tarball)
  return tarball
}
