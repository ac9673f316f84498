/** How the site reaches a host: a copy on this machine, or a command. */
export type Deployment =
  | { readonly folder: string }
  | { readonly file: string; readonly args: readonly string[] }

/** Returns how to deploy the site in `dist` to a target. The tools must be installed and logged in. */
export function deploymentTo(target: string, dist: string): Deployment {
  if (target.startsWith('s3://')) return { file: 'aws', args: ['s3', 'sync', dist, target, '--delete'] }
  if (target.startsWith('gs://'))
    return {
      file: 'gcloud',
      args: ['storage', 'rsync', dist, target, '--recursive', '--delete-unmatched-destination-objects'],
    }
  const [, project] = /^cloudflare:(.+)$/.exec(target) ?? []
  if (project !== undefined)
    return { file: 'npx', args: ['-y', 'wrangler', 'pages', 'deploy', dist, '--project-name', project] }
  // As in rsync, a colon before the first slash names a host.
  if (/^[^/\\]{2,}:/.test(target)) return { file: 'rsync', args: ['-a', '--delete', `${dist}/`, target] }
  return { folder: target }
}
