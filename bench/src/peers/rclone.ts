import { firstLine, run } from '../harness/command.ts'

/** What rclone does, if it is on the PATH. A place is a path, or a remote such as `:s3,env_auth=true:bucket/path`. */
export interface Rclone {
  readonly version: string
  readonly file: (from: string, to: string) => Promise<undefined>
  readonly folder: (from: string, to: string) => Promise<undefined>
}

export async function rcloneCopies(): Promise<Rclone | undefined> {
  const version = await firstLine('rclone', ['version'])
  if (version === undefined) return undefined
  const copy = async (command: string, from: string, to: string): Promise<undefined> => {
    await run('rclone', [command, '--config', '', '--no-check-dest', '--retries', '1', from, to])
  }
  return {
    version,
    file: (from, to) => copy('copyto', from, to),
    folder: (from, to) => copy('copy', from, to),
  }
}
