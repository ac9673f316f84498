/** Saves steps to a store with a mirror until it is killed: `mirror-worker.ts STORE MIRROR FOLDER`. Reports to its parent. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openStore } from '@holdfast/core'
import { exitWithParent } from '@holdfast/test-servers'
import { contentOf } from '../support/mirror-content.ts'

const [, , place = '', mirror = '', folder = ''] = process.argv

exitWithParent()
await using store = await openStore(place, {
  config: false,
  retention: { keepLast: 2 },
  mirror: { store: mirror, retention: { keepLast: 5 } },
})
store.on('mirrored', ({ step }) => {
  void send({ kind: 'mirrored', step })
})
const restored = await store.restore('latest', { to: folder })
if (restored !== undefined) {
  const found = await readFile(join(folder, 'model.bin'))
  if (!found.equals(contentOf(restored.step))) throw new Error(`step ${restored.step} has other bytes`)
}
await send({ kind: 'restored', step: restored?.step ?? 0 })
for (let step = (restored?.step ?? 0) + 1; ; step += 1) {
  await store.save({ step, files: { 'model.bin': contentOf(step), 'log.txt': Buffer.from(`log ${step}`) } })
  await send({ kind: 'saved', step })
}

async function send(message: object): Promise<void> {
  await new Promise((resolve) => process.send?.(message, resolve))
}
