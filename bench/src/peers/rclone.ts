import type { Peer } from './peer.ts'
import { syncFile } from '../harness/bytes.ts'
import { firstLine, run } from '../harness/command.ts'
import { eachFile } from './each-file.ts'

/** Copies with rclone. `from` and `to` are paths, or remotes such as `:s3,env_auth=true:bucket/path`. */
export interface Rclone {
  readonly version: string
  readonly file: (from: string, to: string) => Promise<undefined>
  readonly folder: (from: string, to: string) => Promise<undefined>
}

/** Returns `undefined` if rclone is not on the PATH. */
export async function rcloneCopies(): Promise<Rclone | undefined> {
  const version = await firstLine('rclone', ['version'])
  if (version === undefined) return undefined
  const copy = async (command: string, from: string, to: string): Promise<undefined> => {
    const once = ['--config', '', '--no-check-dest', '--retries', '1', '--low-level-retries', '1']
    // rclone fails if this variable is set, because it cannot use the certificates that it names.
    await run('rclone', [command, ...once, from, to], { AWS_CA_BUNDLE: '' })
  }
  return {
    version,
    file: (from, to) => copy('copyto', from, to),
    folder: (from, to) => copy('copy', from, to),
  }
}

/** Returns rclone as a peer, which compares MD5 if the store has it. `remote` is a connection string without its final colon: `:s3,endpoint='...'`. */
export async function rclonePeer(
  remote: string,
  bucket: string,
  { digests }: { readonly digests: boolean },
): Promise<Peer | undefined> {
  const rclone = await rcloneCopies()
  if (rclone === undefined) return undefined
  const place = (key: string): string => `${remote}:${bucket}/${key}`
  return {
    name: 'rclone',
    digests,
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
