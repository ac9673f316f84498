/**
 * Builds the wheel of the Python package: `npx -y pnpm@12 build:wheel [PYTHON]` writes it to `python/dist/`. The wheel contains the
 * command line with core and every adapter, as a release packs them. PYTHON needs pip, which fetches the build backend.
 */
import { cpSync, globSync, readdirSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { root } from './parts/checkout.ts'
import { readArgument } from './parts/command-line.ts'
import { installPackages, versionOfCommand } from './parts/install-packages.ts'
import { run } from './parts/run-program.ts'

const python = readArgument(import.meta.filename, 'PYTHON') ?? 'python3'
const folder = join(root, 'python')
const library = join(folder, 'src', 'holdfast_checkpoints', '_node')
const dist = join(folder, 'dist')

installPackages(library)
removeUnneeded(library)
cpSync(join(root, 'LICENSE'), join(folder, 'LICENSE'))
rmSync(dist, { recursive: true, force: true })
try {
  run(folder, python, '-m', 'pip', 'wheel', '--no-deps', '--wheel-dir', dist, '.')
} finally {
  rmSync(join(folder, 'LICENSE'))
}
const [wheel] = readdirSync(dist)
if (wheel?.includes(`-${versionOfCommand()}-`) !== true)
  throw new Error(
    `The wheel ${wheel ?? ''} must have the version ${versionOfCommand()}. Correct python/src/holdfast_checkpoints/_version.py.`,
  )
const megabytes = (statSync(join(dist, wheel)).size / 1e6).toFixed(1)
console.log(`built ${join('python', 'dist', wheel)} · ${megabytes} MB`)

/** Removes what no program reads: sources, types and source maps. Licences stay. */
function removeUnneeded(packages: string): void {
  const unneeded = [
    '**/*.map',
    '**/*.ts',
    '**/*.mts',
    '**/*.cts',
    '**/*.tsbuildinfo',
    '**/.bin',
    '.package-lock.json',
    'package-lock.json',
  ]
  for (const path of globSync(unneeded, { cwd: packages }))
    rmSync(join(packages, path), { recursive: true, force: true })
}
