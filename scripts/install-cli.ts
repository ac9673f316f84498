/**
 * Installs the command line of this checkout, with core and every adapter, below a prefix:
 * `node install-cli.ts ~/.local` creates `~/.local/bin/holdfast`. It packs each package as a release does, so the
 * installed files equal those in the registry.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const installed = ['core', 'adapter-fs', 'adapter-s3', 'adapter-gcs', 'adapter-azure', 'watch', 'cli']

const root = fileURLToPath(new URL('..', import.meta.url))
const [prefix] = process.argv.slice(2)
if (prefix === undefined || prefix.startsWith('-')) {
  console.error('Usage: npx -y pnpm@12 install:cli PREFIX   (for example ~/.local)')
  process.exit(2)
}

// pnpm runs a script in the root of the workspace. INIT_CWD is the folder in which the user called it.
const target = resolve(process.env['INIT_CWD'] ?? process.cwd(), prefix)
const library = join(target, 'lib', 'holdfast')
const command = join(target, 'bin', 'holdfast')
const packed = mkdtempSync(join(tmpdir(), 'holdfast-install-'))
try {
  const tarballs = installed.map((name) => pack(name))
  rmSync(library, { recursive: true, force: true })
  mkdirSync(library, { recursive: true })
  writeFileSync(join(library, 'package.json'), '{ "private": true }\n')
  run(library, 'npm', 'install', '--no-audit', '--no-fund', ...tarballs)
} finally {
  rmSync(packed, { recursive: true })
}
mkdirSync(dirname(command), { recursive: true })
rmSync(command, { force: true })
symlinkSync(relative(dirname(command), join(library, 'node_modules', '.bin', 'holdfast')), command)
console.log(`installed holdfast ${versionOf('cli')} and its adapters · ${command}`)

function pack(name: string): string {
  const tarball = join(packed, `${name}.tgz`)
  run(join(root, 'packages', name), 'pnpm', 'pack', '--out', tarball)
  return tarball
}

function versionOf(name: string): string {
  const manifest = readFileSync(join(root, 'packages', name, 'package.json'), 'utf8')
  return (JSON.parse(manifest) as { readonly version: string }).version
}

/** Runs a command. If it fails, prints its output and throws. */
function run(directory: string, program: string, ...words: readonly string[]): void {
  try {
    execFileSync(program, words, { cwd: directory, encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    const { stdout, stderr } = error as { readonly stdout?: string; readonly stderr?: string }
    process.stderr.write(`${[program, ...words].join(' ')} failed:\n${stdout ?? ''}${stderr ?? ''}\n`)
    throw error
  }
}
