import { syncFile } from '../harness/bytes.ts'
import { firstLine, run } from '../harness/command.ts'
import { eachFile } from './each-file.ts'
import type { MissingPeer, Peer } from './peer.ts'

/** The name of rclone as a peer. */
export const rcloneName = 'rclone'

/** Copies with rclone. `from` and `to` are paths, or remotes such as `:s3,env_auth=true:bucket/path`. */
export interface Rclone {
  readonly file: (from: string, to: string) => Promise<undefined>
  readonly folder: (from: string, to: string) => Promise<undefined>
}

/** Returns `undefined` if rclone is not on the PATH. */
export async function rcloneCopies(): Promise<Rclone | undefined> {
  if ((await firstLine('rclone', ['version'])) === undefined) return undefined
  const copy = async (command: string, from: string, to: string): Promise<undefined> => {
    // It retries a request, as the others do by default, but not the whole copy.
    const options = ['--config', '', '--no-check-dest', '--retries', '1']
    // rclone fails if this variable is set, because it cannot use the certificates that it names.
    await run('rclone', [command, ...options, from, to], { AWS_CA_BUNDLE: '' })
  }
  return {
    file: (from, to) => copy('copyto', from, to),
    folder: (from, to) => copy('copy', from, to),
  }
}

/**
 * Returns rclone as a peer. `remote` is a connection string without its final colon: `:s3,endpoint='...'`. `digests` states
 * whether the store has an MD5, with which rclone compares: https://rclone.org/overview/#hash.
 */
export async function rclonePeer(
  remote: string,
  bucket: string,
  { digests }: { readonly digests: boolean },
): Promise<Peer | MissingPeer> {
  const rclone = await rcloneCopies()
  if (rclone === undefined) return { name: rcloneName, why: 'it is not on the PATH' }
  const place = (key: string): string => `${remote}:${bucket}/${key}`
  return {
    name: rcloneName,
    digests: digests ? ['upload', 'download'] : [],
    upload: async (from, key) => {
      await rclone.file(from, place(key))
    },
    download: async (key, to) => {
      await rclone.file(place(key), to)
      await syncFile(to)
    },
    copyWithin: async (from, to) => {
      await rclone.file(place(from), place(to))
    },
    uploadFolder: async (folder, prefix) => {
      await rclone.folder(folder, place(prefix))
    },
    downloadFolder: async (prefix, to) => {
      await rclone.folder(place(prefix), to)
      await eachFile(to, syncFile)
    },
  }
}
