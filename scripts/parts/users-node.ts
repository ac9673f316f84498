import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { root } from './checkout.ts'

/**
 * Returns a sentence with the remedy if the Node.js of the user cannot run the command line, else `undefined`. A script runs on
 * the Node.js of the checkout, but an installed command runs on the first `node` in the PATH of the user.
 */
export function faultOfUsersNode(path = process.env['PATH'] ?? ''): string | undefined {
  const least = leastNode()
  const remedy = `Install Node.js ${least} or newer from https://nodejs.org, and run this command again.`
  const version = versionOfNode(path)
  if (version === undefined) return `There is no Node.js in the PATH, and holdfast runs on it. ${remedy}`
  if (isAtLeast(version, least)) return undefined
  return `holdfast would run on the Node.js ${version} in the PATH, which is too old. ${remedy}`
}

/** Returns the version of the first `node` in a PATH outside the checkout; `undefined` if there is none. */
function versionOfNode(path: string): string | undefined {
  for (const folder of path.split(delimiter)) {
    if (folder === '' || folder.startsWith(root)) continue
    try {
      return execFileSync(join(folder, 'node'), ['--version'], { encoding: 'utf8' }).trim().replace(/^v/, '')
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && ['ENOENT', 'ENOTDIR'].includes(String(error.code))))
        throw error
    }
  }
  return undefined
}

/** Returns the oldest version that the command line accepts, such as `22.18`. */
function leastNode(): string {
  const manifest = readFileSync(join(root, 'packages', 'cli', 'package.json'), 'utf8')
  const { engines } = JSON.parse(manifest) as { readonly engines: { readonly node: string } }
  return engines.node.replace(/^>=/, '')
}

function isAtLeast(version: string, least: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [leastMajor = 0, leastMinor = 0] = least.split('.').map(Number)
  return major > leastMajor || (major === leastMajor && minor >= leastMinor)
}
