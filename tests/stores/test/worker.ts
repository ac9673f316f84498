/**
 * A process that works on a store, told what to do by its arguments: `shared NAME COUNT` saves so many steps of its own,
 * `uploads MIB` saves large files until it is killed, `memory MIB` saves one, and `memory MIB FOLDER` restores it.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openStore } from '@holdfast/core'

const [, , url = '', job = '', first = '', second = ''] = process.argv

if (job === 'shared') await shared(Number(first), Number(second))
else if (job === 'uploads') await uploads(Number(first))
else if (job === 'memory') await memory(Number(first), second)

async function shared(worker: number, count: number): Promise<void> {
  await using store = await openStore(url, { mode: 'shared' })
  for (let index = 0; index < count; index += 1) {
    const step = index * 100 + worker
    await store.save({ step, files: { 'model.bin': Buffer.from(`${worker} ${index}`) } })
    await tell(step)
  }
}

async function uploads(mebibytes: number): Promise<void> {
  await using store = await openStore(url, { mode: 'shared', gracePeriod: 0 })
  const newest = await store.latest()
  for (let step = (newest?.step ?? 0) + 1; ; step += 1) {
    await tell('begins')
    await store.save({ step, files: { 'model.bin': someBytes(mebibytes) } })
    await tell(step)
  }
}

/** Saves a large stream, or restores and verifies it into a folder; prints by how many bytes the peak of memory rose. */
async function memory(mebibytes: number, folder: string): Promise<void> {
  const idle = peakBytes()
  await using store = await openStore(url, { mode: 'shared' })
  if (folder === '') {
    await store.save({ step: 1, files: { 'model.bin': someBytes(mebibytes) } })
  } else {
    await store.restore('latest', { to: join(folder, 'out') })
    if (!(await store.verify()).good) throw new Error('What was stored is not what was saved')
  }
  process.stdout.write(String(peakBytes() - idle))
}

/** Of resident memory. Where Linux tells it of this process alone: `maxRSS` begins with the peak of the parent. */
function peakBytes(): number {
  const status = '/proc/self/status'
  const peak = existsSync(status) ? /VmHWM:\s+(\d+) kB/.exec(readFileSync(status, 'utf8'))?.[1] : undefined
  return 1024 * (peak === undefined ? process.resourceUsage().maxRSS : Number(peak))
}

/** A stream of unknown length, different each time. */
async function* someBytes(mebibytes: number): AsyncGenerator<Uint8Array> {
  const mebibyte = randomBytes(2 ** 20)
  for (let given = 0; given < mebibytes; given += 1) {
    mebibyte.writeUInt32LE(given)
    yield mebibyte
  }
}

async function tell(message: number | string): Promise<void> {
  await new Promise((resolve) => process.send?.(message, resolve))
}
