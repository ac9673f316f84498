import { markerName } from './copy-site.ts'

/** A program and its arguments. */
export interface Command {
  readonly file: string
  readonly args: readonly string[]
}

/** How the site reaches a host: a copy on this machine, or a command. */
export type Deployment = { readonly folder: string } | RemoteDeployment

export interface RemoteDeployment {
  /** Copies the site. */
  readonly copy: Command
  /** Lists the target. Undefined if the copy deletes no other files. */
  readonly list?: { readonly command: Command; readonly absent: RegExp }
}

/** What a command printed, and its exit code. */
export interface Listing {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Returns how to deploy the site in `dist` to a target. The tools must be installed and logged in. */
export function deploymentTo(target: string, dist: string): Deployment {
  const inside = target.endsWith('/') ? target : `${target}/`
  if (target.startsWith('s3://'))
    return {
      copy: { file: 'aws', args: ['s3', 'sync', dist, target, '--delete'] },
      // `aws s3 ls` of a prefix without objects prints nothing, and ends with 1.
      list: { command: { file: 'aws', args: ['s3', 'ls', inside] }, absent: /^$/ },
    }
  if (target.startsWith('gs://')) {
    const options = ['--recursive', '--delete-unmatched-destination-objects']
    return {
      copy: { file: 'gcloud', args: ['storage', 'rsync', dist, target, ...options] },
      list: { command: { file: 'gcloud', args: ['storage', 'ls', inside] }, absent: /matched no objects/ },
    }
  }
  const [, project] = /^cloudflare:(.+)$/.exec(target) ?? []
  if (project !== undefined)
    return {
      copy: { file: 'npx', args: ['-y', 'wrangler', 'pages', 'deploy', dist, '--project-name', project] },
    }
  // As in rsync, a colon before the first slash names a host.
  if (/^[^/\\]{2,}:/.test(target))
    return {
      copy: { file: 'rsync', args: ['-a', '--delete', `${dist}/`, target] },
      list: {
        command: { file: 'rsync', args: ['--list-only', inside] },
        absent: /(?:change_dir|link_stat) .* failed: No such file or directory/,
      },
    }
  return { folder: target }
}

/**
 * Throws unless the listing shows an earlier deployment of the site, or an empty target, since everything else would be deleted.
 */
export function assertReplaceable(target: string, { status, stdout, stderr }: Listing, absent: RegExp): void {
  if (status !== 0) {
    if (status !== null && stdout.trim() === '' && absent.test(stderr.trim())) return
    throw new Error(
      `${target} cannot be listed, so nothing was deployed: ${stderr.trim() || 'no reason given'}`,
    )
  }
  const entries = stdout.split('\n').filter((line) => !/^\s*$|\s\.$/.test(line))
  if (entries.length === 0 || entries.some((line) => nameIn(line) === markerName)) return
  throw new Error(
    `${target} is not empty and contains no site of Holdfast (${markerName} is missing). Choose another target.`,
  )
}

/** Returns the name of an entry, without its date, size and folders. */
function nameIn(line: string): string | undefined {
  return line.split(/[\s/]+/).at(-1)
}
