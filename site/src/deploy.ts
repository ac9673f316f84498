/**
 * Builds the site and copies it to a host: `node deploy.ts TARGET`. TARGET is a folder, `s3://BUCKET/PATH`, `gs://BUCKET/PATH`,
 * `HOST:PATH` for rsync, or `cloudflare:PROJECT`. What the target has besides the site is deleted.
 */
import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { copySite } from './copy-site.ts'
import { deploymentTo } from './deployment.ts'

const [target] = process.argv.slice(2)
if (target === undefined || target.startsWith('-')) {
  process.stderr.write(
    'Usage: npx -y pnpm@12 site:deploy TARGET   (a folder, s3://, gs://, HOST:PATH or cloudflare:PROJECT)\n',
  )
  process.exit(2)
}
const dist = fileURLToPath(new URL('../dist', import.meta.url))
execFileSync(process.execPath, [fileURLToPath(new URL('build.ts', import.meta.url))], { stdio: 'inherit' })
const deployment = deploymentTo(target, dist)
if ('folder' in deployment) {
  // pnpm runs a script in the root of the workspace. INIT_CWD is the folder in which the user called it.
  const folder = resolve(process.env['INIT_CWD'] ?? process.cwd(), deployment.folder)
  copySite(dist, folder)
} else {
  execFileSync(deployment.file, deployment.args, { stdio: 'inherit' })
}
process.stdout.write(`deployed the site to ${target}\n`)
