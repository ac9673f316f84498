/** Saves and restores a large checkpoint. Prints how many bytes this added to the peak of resident memory. */
import { join } from 'node:path'
import { openStore } from '@holdfast/core'
import { peakBytes } from './peak-bytes.ts'

const [, , folder = '', size = '0'] = process.argv
const idle = peakBytes()

async function* unknownLength(): AsyncGenerator<Uint8Array> {
  for (let given = 0; given < Number(size); given += 65_536) yield Buffer.alloc(65_536, given / 65_536)
}

await using store = await openStore(join(folder, 'store'))
await store.save({ step: 1, files: { 'stream.bin': unknownLength() } })
const restored = await store.restore('latest', { to: join(folder, 'out') })
await store.save({ step: 2, files: { 'file.bin': restored?.restored[0]?.path ?? '' } })
await store.verify()
process.stdout.write(String(peakBytes() - idle))
