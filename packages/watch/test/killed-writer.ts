import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { CheckpointStore } from '@holdfast/core'
import { crc32 } from 'node:zlib'
import { expect } from 'vitest'
import { systemClock } from '../src/clock.ts'
import type { LayoutName } from '../src/index.ts'
import { watchFolder, type CustomLayout } from '../src/index.ts'
import { temporaryFolder } from './harness.ts'
import type { WriterKind } from './writer.ts'

const writer = fileURLToPath(new URL('writer.ts', import.meta.url))

const layouts: Readonly<Record<WriterKind, LayoutName | CustomLayout>> = {
  'new files': 'torch',
  'one file': 'torch',
  'folders in place': { pattern: 'step_{step}/', completeWhen: 'DONE' },
  'renamed folders': { pattern: 'step_{step}/', completeWhen: 'DONE' },
}

export interface Outcome {
  readonly adopted: number
  readonly kills: number
}

/**
 * Watches a folder while a writer saves into it and is killed repeatedly, until this number of checkpoints is adopted.
 * Fails if one of them does not equal exactly one save.
 */
export async function watchKilledWriter(
  store: CheckpointStore,
  folder: string,
  { kind, adoptions, seed }: { readonly kind: WriterKind; readonly adoptions: number; readonly seed: number },
): Promise<Outcome> {
  const ended = new AbortController()
  let adopted = 0
  let kills = 0
  const checks: Promise<void>[] = []
  const watching = watchFolder(store, folder, {
    layout: layouts[kind],
    quietPeriod: 5,
    pollInterval: 5,
    clock: {
      ...systemClock,
      wait: (milliseconds, wake) => systemClock.wait(Math.min(milliseconds, 5), wake),
    },
    until: ended.signal,
    onEvent: (event) => {
      if (event.type !== 'adopted') return
      adopted += 1
      checks.push(assertOneSave(store, event.saved.step))
      if (adopted >= adoptions) ended.abort()
    },
  })
  const killing = async (): Promise<void> => {
    for (let run = 0; !ended.signal.aborted; run += 1) {
      await killOneWriter([folder, kind, String(seed + run)], ended.signal, (seed + run * 7919) % 2000)
      kills += 1
      await Promise.all(checks.splice(0))
      await removeOld(folder)
    }
  }
  // If one of them fails, the other one must end, too.
  const end = (): void => {
    ended.abort()
  }
  await Promise.all([watching.finally(end), killing().finally(end)])
  await Promise.all(checks)
  return { adopted, kills }
}

/** Starts a writer, and kills it at a random moment, or when `ended` fires. Rejects if it ends by itself. */
async function killOneWriter(words: readonly string[], ended: AbortSignal, random: number): Promise<void> {
  const child = spawn(process.execPath, [writer, ...words], { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  // Up to 40 pieces are some checkpoints, also on a slow machine. Then it may be writing, or pausing.
  await Promise.race([written(child.stdout, 1 + (random % 40)), aborted(ended), closed])
  await Promise.race([setTimeout(random / 40), aborted(ended), closed])
  child.kill('SIGKILL')
  const [, signal] = (await closed) as [number | null, NodeJS.Signals | null]
  if (signal !== 'SIGKILL') throw new Error(`The writer ended by itself: ${words.join(' ')}`)
}

/** Resolves when a writer has reported this many pieces. */
async function written(output: Readable, pieces: number): Promise<void> {
  let left = pieces
  await new Promise<void>((resolve) => {
    output.on('data', (reports: Buffer) => {
      left -= reports.byteLength
      if (left <= 0) resolve()
    })
  })
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort')
}

/** Deletes old checkpoints as a trainer does. */
async function removeOld(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /^step_\d+/.test(name))
  const byStep = names.toSorted((one, other) => numberIn(one) - numberIn(other))
  for (const name of byStep.slice(0, -5)) await rm(join(folder, name), { recursive: true, force: true })
}

function numberIn(name: string): number {
  return Number(/\d+/.exec(name)?.[0])
}

/** Checks that every file is complete, and that all files belong to one save. */
async function assertOneSave(store: CheckpointStore, step: number): Promise<void> {
  const to = await temporaryFolder()
  const restored = await store.restore(step, { to })
  const texts = new Set<string>()
  for (const { path } of restored?.restored ?? []) {
    const bytes = await readFile(path)
    if (path.endsWith('.pth') || path.endsWith('.pt')) texts.add(textOfArchive(bytes))
    else if (path.endsWith('.safetensors')) texts.add(textOfHeader(bytes))
  }
  expect([...texts], `step ${step}`).toHaveLength(1)
}

/** Reads the entries of an archive in order, and compares each with its digest. */
function textOfArchive(bytes: Buffer): string {
  const entries: Buffer[] = []
  let at = 0
  while (bytes.readUInt32LE(at) === 0x04034b50) {
    const length = bytes.readUInt32LE(at + 18)
    const start = at + 30 + bytes.readUInt16LE(at + 26)
    const entry = bytes.subarray(start, start + length)
    expect(crc32(entry)).toBe(bytes.readUInt32LE(at + 14))
    entries.push(entry)
    at = start + length
  }
  expect(entries).toHaveLength(3)
  const text = String(entries[0])
  expect(entries[1]?.subarray(0, text.length).toString()).toBe(text)
  return text
}

function textOfHeader(bytes: Buffer): string {
  const headerBytes = Number(bytes.readBigUInt64LE(0))
  const header: unknown = JSON.parse(bytes.subarray(8, 8 + headerBytes).toString())
  expect(bytes.subarray(8 + headerBytes).every((byte) => byte === 7)).toBe(true)
  const text: unknown = Reflect.get(Object(header), '__metadata__')
  return String(Reflect.get(Object(text), 'text'))
}
