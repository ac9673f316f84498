import { syncFile } from '../harness/bytes.ts'
import { firstLine, run } from '../harness/command.ts'
import type { Peer } from './peer.ts'

/** Returns s5cmd as a peer; `undefined` if it is not on the PATH. */
export async function s5cmdPeer(
  endpoint: string,
  bucket: string,
  environment: Readonly<Record<string, string>>,
): Promise<Peer | undefined> {
  if ((await firstLine('s5cmd', ['version'])) === undefined) return undefined
  const copy = async (from: string, to: string): Promise<void> => {
    await run('s5cmd', ['--endpoint-url', endpoint, '--log', 'error', 'cp', from, to], environment)
  }
  return {
    name: 's5cmd',
    upload: (from, key) => copy(from, `s3://${bucket}/${key}`),
    download: async (key, to) => {
      await copy(`s3://${bucket}/${key}`, to)
      await syncFile(to)
    },
    copyWithin: (from, to) => copy(`s3://${bucket}/${from}`, `s3://${bucket}/${to}`),
  }
}
