/** Saves three checkpoints, drops two of them so that this can be undone, reports it, and waits to be killed. */
import { openStore } from '@holdfast/core'

const [root = ''] = process.argv.slice(2)
const store = await openStore(root, { config: false, retention: { keepLast: 3 } })
for (const step of [1, 2, 3]) await store.save({ step, files: { a: Buffer.alloc(1000, step) } })
await store.flush()
const pruning = await openStore(root, { config: false, takeOver: true, retention: { keepLast: 1 } })
await pruning.prune({ undoFor: '1 h' })
process.send?.('pruned')
setInterval(() => undefined, 1000)
