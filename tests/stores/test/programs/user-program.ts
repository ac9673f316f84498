/** A program as a user would write it. Only the environment names its store. */
import { join } from 'node:path'
import { openStore } from '@holdfast/core'

const [, , folder = ''] = process.argv

await using store = await openStore(undefined, {
  objectives: { loss: { metric: 'loss', direction: 'min' } },
  retention: { keepLast: 2, keepBest: { loss: 1 } },
})
for (const [step, loss] of [3, 1, 2, 4, 5].entries()) {
  await store.save({ step, files: { 'model.bin': Buffer.alloc(100_000, step) }, metrics: { loss } })
}
await store.pin(3, 'a good one')
const restored = await store.restore('best', { to: join(folder, 'out'), fallback: true })
const { good } = await store.verify()
const listed = (await store.list()).map(({ step, bestOf, keptBecause }) => ({ step, bestOf, keptBecause }))
process.stdout.write(
  JSON.stringify({ restored: restored?.step, sha256: restored?.restored[0]?.sha256, good, listed }),
)
