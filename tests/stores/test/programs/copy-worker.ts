/** Copies the latest checkpoint, and kills itself once 90 % are stored: `copy-worker.ts FROM TO`. */
import { copyCheckpoints, openStore } from '@holdfast/core'

const [, , from = '', to = ''] = process.argv
const options = { config: false, mode: 'shared' } as const

await using source = await openStore(from, options)
await using destination = await openStore(to, options)
await copyCheckpoints(source, destination, {
  checkpoints: ['latest'],
  onProgress: ({ bytes, total }) => {
    if (bytes >= 0.9 * total) process.kill(process.pid, 'SIGKILL')
  },
})
