/**
 * Does everything that a release does, except publishing: computes the next versions from the changesets, checks every
 * package as npm would publish it, checks the licenses of all dependencies, and writes a software bill of materials of
 * each package to `sbom/`.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bill, bundledIn, withBundled } from './bundled-packages.ts'
import { root } from './checkout.ts'

/** Licenses that allow a program under Apache-2.0 to use and to pass on the package. */
const allowed = [
  'MIT',
  'ISC',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  '0BSD',
  'BlueOak-1.0.0',
  'Unlicense',
]

show('changeset', 'status')
refuseOtherLicenses()
show('pnpm', 'run', 'build')
show('pnpm', 'run', 'check:packed')
writeBills(join(root, 'sbom'))
addBundled(join(root, 'sbom'))

/** Throws if a dependency of a published package has a license that is not allowed. */
function refuseOtherLicenses(): void {
  const listed = JSON.parse(
    output('pnpm', '--filter', './packages/*', 'licenses', 'list', '--prod', '--json'),
  ) as Readonly<Record<string, readonly { readonly name: string }[]>>
  const refused = Object.entries(listed)
    .filter(([license]) => !isAllowed(license))
    .flatMap(([license, packages]) => packages.map(({ name }) => `${name} (${license})`))
  if (refused.length > 0) throw new Error(`These dependencies have other licenses: ${refused.join(', ')}`)
  console.log(`licenses: ${Object.keys(listed).sort().join(', ')}`)
}

/** Returns whether a license is allowed. Of `MIT OR GPL-3.0` one suffices, and of `MIT AND ISC` all are needed. */
function isAllowed(license: string): boolean {
  return license
    .replace(/^\((.*)\)$/, '$1')
    .split(' OR ')
    .some((choice) => choice.split(' AND ').every((each) => allowed.includes(each)))
}

function writeBills(folder: string): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder)
  show(
    'pnpm',
    '--filter',
    './packages/*',
    'sbom',
    '--sbom-format',
    'cyclonedx',
    '--prod',
    '--split',
    '--out',
    join(folder, '%s.json'),
  )
}

/** Adds the bundled packages to each bill. The licenses in the bundle, which packing wrote, name them. */
function addBundled(folder: string): void {
  for (const name of readdirSync(join(root, 'packages'))) {
    const place = join(root, 'packages', name)
    const licenses = ['bundle', 'built'].map((each) => join(place, each, 'LICENSES.txt')).find(existsSync)
    if (licenses === undefined) continue
    const bundled = bundledIn(readFileSync(licenses, 'utf8'))
    if (bundled.length === 0) throw new Error(`${licenses} names no package with a version.`)
    const file = join(folder, `${billName(place)}.json`)
    const bill = JSON.parse(readFileSync(file, 'utf8')) as Bill
    writeFileSync(file, `${JSON.stringify(withBundled(bill, bundled), null, 2)}\n`)
    console.log(
      `${billName(place)} contains ${bundled.map((each) => `${each.name} ${each.version}`).join(', ')}`,
    )
  }
}

/** Returns the name of a bill, as pnpm makes it of the name of the package. */
function billName(place: string): string {
  const { name } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8')) as { readonly name: string }
  return name.replace('@', '').replace('/', '-')
}

function show(command: string, ...words: readonly string[]): void {
  execFileSync(command, words, { cwd: root, stdio: 'inherit' })
}

function output(command: string, ...words: readonly string[]): string {
  return execFileSync(command, words, { cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26 })
}
