/**
 * Builds the site and copies it to a host: `npx -y pnpm@12 site:deploy TARGET`. TARGET is a folder, `s3://BUCKET/PATH`,
 * `gs://BUCKET/PATH`, `HOST:PATH` for rsync, or `cloudflare:PROJECT`. Replaces an earlier deployment with all other files in it.
 * Refuses a target that contains anything else.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readRequiredArgument } from '../../scripts/parts/command-line.ts'
import { copySite } from './copy-site.ts'
import { assertReplaceable, type Command, deploymentTo } from './deployment.ts'

const target = readRequiredArgument(import.meta.filename, 'TARGET')
const dist = fileURLToPath(new URL('../dist', import.meta.url))
const deployment = deploymentTo(target, dist)
if ('list' in deployment) {
  const { command, absent } = deployment.list
  const { args, shell } = started(command)
  const { error, ...listing } = spawnSync(command.file, args, { encoding: 'utf8', shell })
  if (error !== undefined) throw error
  assertReplaceable(target, listing, absent)
}
execFileSync(process.execPath, [fileURLToPath(new URL('build.ts', import.meta.url))], { stdio: 'inherit' })
if ('folder' in deployment) {
  // pnpm runs a script in the root of the workspace. INIT_CWD is the folder in which the user called it.
  const folder = resolve(process.env['INIT_CWD'] ?? process.cwd(), deployment.folder)
  copySite(dist, folder)
} else {
  const { args, shell } = started(deployment.copy)
  execFileSync(deployment.copy.file, args, { stdio: 'inherit', shell })
}
process.stdout.write(`deployed the site to ${target}\n`)

/** On Windows, npx and the command lines of the clouds are batch files. Only a shell can start them, and it needs quotes. */
function started({ args }: Command): { readonly args: readonly string[]; readonly shell: boolean } {
  if (process.platform !== 'win32') return { args, shell: false }
  return { args: args.map((word) => `"${word}"`), shell: true }
}
