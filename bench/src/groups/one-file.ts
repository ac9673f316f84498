import { join } from 'node:path'
import { adapter as s3 } from '@holdfast/adapter-s3'
import { CheckpointStore } from '@holdfast/core'
import { startS3Emulator } from '@holdfast/emulators'
import { type LoggedRequest, startProxy } from '@holdfast/emulators/proxy'
import type { Bench } from '../harness/bench.ts'
import { assertSameFolder, writeFolder } from '../harness/bytes.ts'
import type { Contender } from '../harness/work.ts'

const place = new URL('s3://bench/run')

/** Counts the bytes that a restore of one file out of a pack of many moves. The emulator of S3 runs in this process. */
export async function oneFile(bench: Bench): Promise<void> {
  const { files: count, smallBytes } = bench.scale
  const original = await writeFolder(join(bench.folder, 'original'), count, smallBytes)
  await using emulator = await startS3Emulator({ buckets: [place.hostname] })
  const { endpoint, region, credentials } = emulator
  await using proxy = await startProxy({ target: endpoint })
  await using saved = new CheckpointStore(await s3.open(place, { endpoint, region, credentials }))
  await saved.save({ step: 1, files: [original], packs: 'always' })
  await using store = new CheckpointStore(
    await s3.open(place, { endpoint: proxy.url, region, credentials }),
    { mode: 'shared' },
  )
  const name = `${String(Math.floor(count / 2)).padStart(6, '0')}.bin`
  let to = ''
  const restoring = (what: string, isCounted: (request: LoggedRequest) => boolean): Contender => ({
    name: what,
    prepare: async () => {
      to = await bench.fresh('restored')
    },
    run: async () => {
      proxy.requests.clear()
      await store.restore('latest', { to, files: [`original/${name}`] })
      return [...proxy.requests].filter(isCounted).reduce((sum, { answerBytes }) => sum + answerBytes, 0)
    },
    verify: () => assertSameFolder(join(to, 'original'), original, [name]),
  })
  const [itself, fromPack, withManifest] = ['the file', 'from the pack', 'from the pack, and the manifest']
  await bench.measure({
    name: `Bytes that a restore of one of ${count.toLocaleString('en')} files in packs moves`,
    unit: 'bytes',
    rounds: 1,
    contenders: [
      restoring(fromPack, isOfPack),
      restoring(withManifest, (request) => isOfPack(request) || request.path.endsWith('/manifest.json')),
      restoring('in all, with the catalog', () => true),
      { name: itself, run: async () => smallBytes, verify: async () => undefined },
    ],
    comparisons: [
      { text: itself, of: fromPack, against: { which: 'fastest', names: [itself] }, atMost: 1 },
      { text: itself, of: withManifest, against: { which: 'fastest', names: [itself] }, atMost: 2 },
    ],
  })
}

function isOfPack({ path }: LoggedRequest): boolean {
  return path.includes('/.holdfast/packs/')
}
