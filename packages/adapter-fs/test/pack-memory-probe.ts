/** Saves and restores a checkpoint of small files in packs. Prints how many bytes this added to the peak of resident memory. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openStore } from '@holdfast/core'
import { peakBytes } from './peak-bytes.ts'

const [, , folder = '', count = '0', size = '0'] = process.argv
const original = join(folder, 'original')
await mkdir(original)
for (let file = 0; file < Number(count); file += 1)
  await writeFile(join(original, `${file}.bin`), Buffer.alloc(Number(size), file))
const idle = peakBytes()

await using store = await openStore(join(folder, 'store'), { packs: 'always' })
await store.save({ step: 1, files: [original] })
await store.restore('latest', { to: join(folder, 'out') })
await store.verify()
process.stdout.write(String(peakBytes() - idle))
