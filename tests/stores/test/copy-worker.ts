/** Copies the latest checkpoint: `copy-worker.ts FROM TO`. Reports to its parent how many bytes are stored. */
import { copyCheckpoints, openStore } from '@holdfast/core'

const [, , from = '', to = ''] = process.argv
const options = { config: false, mode: 'shared' } as const

await using source = await openStore(from, options)
await using destination = await openStore(to, options)
await copyCheckpoints(source, destination, {
  checkpoints: ['latest'],
  onProgress: ({ bytes, total }) => process.send?.({ bytes, total }),
})
