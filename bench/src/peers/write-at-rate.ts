import { open } from 'node:fs/promises'
import { setTimeout as after } from 'node:timers/promises'

const chunkBytes = 2 ** 20

/** Writes bytes to a file at a rate in bytes per second, and syncs it once a second and at the end. Computes no digest. */
export async function writeAtRate(path: string, bytes: Uint8Array, rate: number): Promise<void> {
  const handle = await open(path, 'w')
  try {
    const began = performance.now()
    let synced = 0
    for (let written = 0; written < bytes.byteLength; written += chunkBytes) {
      const chunk = bytes.subarray(written, written + chunkBytes)
      await handle.write(chunk, 0, chunk.byteLength, written)
      if (written - synced >= rate) {
        await handle.datasync()
        synced = written
      }
      const due = began + ((written + chunk.byteLength) / rate) * 1000
      await after(Math.max(0, due - performance.now()))
    }
    await handle.sync()
  } finally {
    await handle.close()
  }
}
