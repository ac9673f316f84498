import { Buffer } from 'node:buffer'
import process from 'node:process'
import { adapter } from '@holdfast/adapter-fs'
import { openStore } from '@holdfast/core'

/** Saves and restores a checkpoint in a folder, and prints the restored step. */
async function main(folder) {
  const store = await openStore(`${folder}/store`, { adapters: [adapter], config: false })
  try {
    await store.save({ step: 1, files: { 'model.bin': Buffer.from('weights') }, metrics: { loss: 0.5 } })
    const restored = await store.restore('latest', { to: `${folder}/resume` })
    process.stdout.write(`restored step ${restored.step}\n`)
  } finally {
    await store.close()
  }
}

main(process.argv[2]).catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exitCode = 1
})
