import { syncFile } from '../harness/bytes.ts'
import { firstLine, run } from '../harness/command.ts'
import type { MissingPeer, Peer } from './peer.ts'

/**
 * Returns s5cmd as a peer. Its SDK sends an MD5 with each part, which the store compares
 * (https://docs.aws.amazon.com/sdk-for-go/api/aws/#Config, `S3DisableContentMD5Validation`). It verifies no download.
 */
export async function s5cmdPeer(
  endpoint: string,
  bucket: string,
  environment: Readonly<Record<string, string>>,
): Promise<Peer | MissingPeer> {
  if ((await firstLine('s5cmd', ['version'])) === undefined)
    return { name: 's5cmd', why: 'it is not on the PATH' }
  const copy = async (from: string, to: string): Promise<void> => {
    await run('s5cmd', ['--endpoint-url', endpoint, '--log', 'error', 'cp', from, to], environment)
  }
  return {
    name: 's5cmd',
    digests: ['upload'],
    upload: (from, key) => copy(from, `s3://${bucket}/${key}`),
    download: async (key, to) => {
      await copy(`s3://${bucket}/${key}`, to)
      await syncFile(to)
    },
    copyWithin: (from, to) => copy(`s3://${bucket}/${from}`, `s3://${bucket}/${to}`),
  }
}
