import { randomBytes } from 'node:crypto'
import process from 'node:process'
import { adapter as azure } from '@holdfast/adapter-azure'
import { adapter as gcs } from '@holdfast/adapter-gcs'
import { adapter as s3 } from '@holdfast/adapter-s3'
import { openStore } from '@holdfast/core'

/** A file that is large enough for several threads. */
const large = randomBytes(40 * 2 ** 20)

/** Saves and restores a large file in an object store, and prints the restored step. Fails if a thread cannot start. */
async function main(url, folder, threads) {
  process.on('warning', (warning) => {
    if (warning.code === 'HOLDFAST_NO_THREADS') throw warning
  })
  const store = await openStore(url, {
    adapters: [azure, gcs, s3],
    threads: Number(threads),
    config: false,
  })
  try {
    await store.save({ step: 1, files: { 'model.bin': large } })
    const restored = await store.restore('latest', { to: folder })
    process.stdout.write(`restored step ${restored.step}\n`)
  } finally {
    await store.close()
  }
}

main(...process.argv.slice(2)).catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exitCode = 1
})
