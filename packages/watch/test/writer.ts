/**
 * A program that trains nothing, and saves as real ones do: it writes into the final place, bit by bit, until it is killed.
 * Usage: writer.ts FOLDER KIND SEED. Every byte of one save is derived from its step and a number that is used once. It prints a
 * dot for each piece of a file that it has written.
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { safetensorsFile, torchFile } from './archives.ts'

export type WriterKind = 'new files' | 'one file' | 'folders in place' | 'renamed folders'

const [folder = '', kind = '', seed = '1'] = process.argv.slice(2)
const bytesOf: Readonly<Record<string, number>> = {
  'new files': 300_000,
  'one file': 300_000,
  'folders in place': 60_000,
  'renamed folders': 60_000,
}
const size = bytesOf[kind] ?? 100_000
let state = Number(seed)

/** A small generator, so that a seed repeats a run as far as possible. */
function random(): number {
  state = (state * 1_103_515_245 + 12_345) % 2 ** 31
  return state / 2 ** 31
}

function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

function writeSlowly(path: string, bytes: Uint8Array): void {
  const file = openSync(path, 'w')
  const chunk = Math.ceil(bytes.byteLength / (2 + random() * 6))
  for (let at = 0; at < bytes.byteLength; at += chunk) {
    writeSync(file, bytes.subarray(at, at + chunk))
    writeSync(process.stdout.fd, '.')
    pause(random() * 4)
  }
  closeSync(file)
}

/** Returns the step after the last existing one. A killed program goes back a few steps. */
function firstStep(): number {
  const steps = readdirSync(folder).flatMap((name) => Number(/step_(\d+)/.exec(name)?.[1] ?? Number.NaN))
  const last = steps.reduce((most, step) => (step > most ? step : most), 0)
  return Math.max(1, last + 1 - Math.floor(random() * 3))
}

function save(step: number): void {
  const text = `${step}:${process.pid}:${random()};`
  if (kind === 'new files') writeSlowly(join(folder, `step_${step}.pth`), torchFile(text, size))
  else if (kind === 'one file') writeSlowly(join(folder, 'checkpoint.pth'), torchFile(text, size))
  else {
    const place = join(folder, `${kind === 'renamed folders' ? 'tmp-' : ''}step_${step}`)
    mkdirSync(place, { recursive: true })
    writeSlowly(join(place, 'model.safetensors'), safetensorsFile(size, { text }))
    writeSlowly(join(place, 'optimizer.pt'), torchFile(text, size))
    writeFileSync(join(place, 'DONE'), '')
    if (kind !== 'renamed folders') return
    rmSync(join(folder, `step_${step}`), { recursive: true, force: true })
    renameSync(place, join(folder, `step_${step}`))
  }
}

for (let step = firstStep(); ; step += 1) {
  save(step)
  // The folder has only one file between two saves.
  pause((kind === 'one file' ? 100 : 10) + random() * 40)
}
