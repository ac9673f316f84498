/**
 * A writer in shared mode, which reports its saves to its parent. Its arguments are the URL of the store and a task:
 *
 * - `shared NAME COUNT` saves COUNT steps. NAME is a number that makes the steps of each writer unique.
 * - `uploads MIB` saves files of MIB mebibytes until the process is killed, and reports its progress.
 */
import { openStore } from '@holdfast/core'
import { randomStream } from '../support/random-stream.ts'
import type { UploadMessage } from '../support/upload-message.ts'

const [, , url = '', task = '', first = '', second = '1'] = process.argv

if (task === 'shared') await shared(Number(first), Number(second))
else if (task === 'uploads') await uploads(Number(first))

async function shared(writer: number, count: number): Promise<void> {
  await using store = await openStore(url, { mode: 'shared' })
  for (let index = 0; index < count; index += 1) {
    const step = index * 100 + writer
    await store.save({ step, files: { 'model.bin': Buffer.from(`${writer} ${index}`) } })
    await send(step)
  }
}

async function uploads(mebibytes: number): Promise<void> {
  await using store = await openStore(url, { mode: 'shared', gracePeriod: 0 })
  const newest = await store.latest()
  for (let step = (newest?.step ?? 0) + 1; ; step += 1) {
    const written = async (share: number): Promise<void> => send({ kind: 'written', share })
    await store.save({ step, files: { 'model.bin': randomStream(mebibytes, written) } })
    await send({ kind: 'saved', step })
  }
}

async function send(message: number | UploadMessage): Promise<void> {
  await new Promise((resolve) => process.send?.(message, resolve))
}
