/**
 * Checks the changesets against the branch main, and computes the next versions in a clone, as a release does. Without
 * changesets, as after a release, it checks the versions of this checkout.
 */
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { changesetsOf, root } from './parts/checkout.ts'
import { run, show } from './parts/run-program.ts'

const versionFile = 'packages/cli/package.json'

const main = newestMain()
// The pull request that sets the next versions has consumed the changesets of what it releases.
const isRelease = versionIn(readFileSync(join(root, versionFile), 'utf8')) !== versionOnMain()
if (!isRelease) show('changeset', 'status', '--since', main)
if (changesetsOf(root).length > 0) computeNextVersions()
else console.log(`no changesets: the version stays ${oneVersionOf(root)}`)

/** Returns the branch with which changesets are compared. A checkout of a pull request has no branch of its own. */
function newestMain(): string {
  const found = ['origin/main', 'main'].find((branch) => hasBranch(branch))
  if (found === undefined)
    throw new Error('There is neither origin/main nor main. Fetch the branch main with its history.')
  return found
}

function hasBranch(branch: string): boolean {
  const words = ['rev-parse', '--verify', '--quiet', `${branch}^{commit}`]
  return spawnSync('git', words, { cwd: root }).status === 0
}

function versionOnMain(): string {
  return versionIn(run(root, 'git', 'show', `${main}:${versionFile}`))
}

/** Computes the next versions in a clone. */
function computeNextVersions(): void {
  const clone = mkdtempSync(join(tmpdir(), 'holdfast-release-'))
  try {
    run(root, 'git', 'clone', '--quiet', root, clone)
    symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'))
    console.log(run(clone, process.execPath, 'scripts/release-version.ts').trim())
    oneVersionOf(clone)
  } finally {
    rmSync(clone, { recursive: true })
  }
}

/** Returns the version that all packages of a checkout have, that of Python included. Throws if they differ. */
function oneVersionOf(checkout: string): string {
  const manifests = globSync('packages/*/package.json', { cwd: checkout })
  const versions = manifests.map((name) => versionIn(readFileSync(join(checkout, name), 'utf8')))
  const python = readFileSync(join(checkout, 'python/src/holdfast_checkpoints/_version.py'), 'utf8')
  const [, pythonVersion = ''] = /^__version__ = "(.*)"$/m.exec(python) ?? []
  const different = [...new Set([...versions, pythonVersion])]
  if (different.length > 1) throw new Error(`The packages have the versions ${different.join(', ')}.`)
  return pythonVersion
}

function versionIn(manifest: string): string {
  return (JSON.parse(manifest) as { readonly version: string }).version
}
