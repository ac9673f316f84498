/**
 * `npx -y pnpm@12 release:dry` does everything that a release does, except publishing: checks the workflows, changesets and
 * links, computes the next versions in a clone, checks every package as npm would publish it, checks the licenses of all
 * dependencies, writes a software bill of materials of each package to `sbom/`, and builds the site and the wheel.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Bill, bundledIn, withBundled } from './parts/bundled-packages.ts'
import { root } from './parts/checkout.ts'
import { expectNoOptions } from './parts/command-line.ts'
import { isAllowed } from './parts/licenses.ts'
import { run, show } from './parts/run-program.ts'

expectNoOptions(import.meta.filename)
show('pnpm', 'run', 'lint')
show(process.execPath, 'scripts/check-versions.ts')
refuseOtherLicenses()
show('pnpm', 'run', 'build')
show('pnpm', 'run', 'check:packed')
writeBills(join(root, 'sbom'))
addBundled(join(root, 'sbom'))
show('pnpm', '--filter', './packages/*', 'publish', '--dry-run', '--no-git-checks')
show('pnpm', 'run', 'site')
show('pnpm', 'run', 'build:wheel')

/** Throws if a dependency of a published package has a license that is not allowed. */
function refuseOtherLicenses(): void {
  const listed = JSON.parse(
    run(root, 'pnpm', '--filter', './packages/*', 'licenses', 'list', '--prod', '--json'),
  ) as Readonly<Record<string, readonly { readonly name: string }[]>>
  const refused = Object.entries(listed)
    .filter(([license]) => !isAllowed(license))
    .flatMap(([license, packages]) => packages.map(({ name }) => `${name} (${license})`))
  if (refused.length > 0) throw new Error(`These dependencies have other licenses: ${refused.join(', ')}`)
  console.log(`licenses: ${Object.keys(listed).sort().join(', ')}`)
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
      `${billName(place)} contains ${bundled.map((each) => `${each.name} ${each.version} (${each.license})`).join(', ')}`,
    )
  }
}

/** Returns the name of a bill, as pnpm makes it of the name of the package. */
function billName(place: string): string {
  const { name } = JSON.parse(readFileSync(join(place, 'package.json'), 'utf8')) as { readonly name: string }
  return name.replace('@', '').replace('/', '-')
}
