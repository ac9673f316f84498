import assert from 'node:assert/strict'
import { type CheckpointBackend, StreamingDigest } from '@holdfast/core/backend'
import type { Place } from '../place.ts'

/** The tasks of another process, with the input and the result of each. */
export interface Tasks {
  /** Opens the backend that the other tasks work on. */
  readonly open: { readonly input: Place; readonly result: null }
  /** Commits different bytes than other racers to the key of each round. Returns the rounds that returned `created`. */
  readonly race: {
    readonly input: { readonly racer: number; readonly rounds: number }
    readonly result: readonly number[]
  }
  /**
   * Stores and reads an object of `bytes` bytes. Returns the largest growth of memory in bytes. Garbage is collected
   * before each measurement, because its amount depends on the machine and its load.
   */
  readonly pass: { readonly input: { readonly bytes: number }; readonly result: number }
}

export function raceKey(round: number): string {
  return `race/${round}`
}

export function raceBody(racer: number, round: number): Uint8Array {
  return Buffer.from(`process ${racer} of round ${round}`)
}

export async function race(
  backend: CheckpointBackend,
  { racer, rounds }: Tasks['race']['input'],
): Promise<readonly number[]> {
  const won: number[] = []
  for (let round = 0; round < rounds; round += 1)
    if ((await backend.commit(raceKey(round), raceBody(racer, round))) === 'created') won.push(round)
  return won
}

/** Memory is measured each time this many bytes have passed. */
const measureEvery = 2 ** 22

const chunkBytes = 2 ** 16

export async function pass(backend: CheckpointBackend, { bytes }: Tasks['pass']['input']): Promise<number> {
  await passOnce(backend, 'small', 1, () => undefined) // loads code that is loaded at its first use, so that it is not measured
  const before = memoryUsed()
  let most = before
  await passOnce(backend, 'large', bytes, () => {
    most = Math.max(most, memoryUsed())
  })
  return most - before
}

function memoryUsed(): number {
  assert.ok(
    gc !== undefined,
    'Memory cannot be measured, because the process was not started with --expose-gc.',
  )
  gc()
  return process.memoryUsage.rss()
}

/** Stores a stream of unknown length, and reads the object. Calls `measure` regularly. */
async function passOnce(
  backend: CheckpointBackend,
  key: string,
  bytes: number,
  measure: () => void,
): Promise<void> {
  const watched = async function* (stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let seen = 0
    for await (const chunk of stream) {
      if (Math.floor((seen + chunk.byteLength) / measureEvery) > Math.floor(seen / measureEvery)) measure()
      seen += chunk.byteLength
      yield chunk
    }
  }
  const { size, sha256 } = await backend.put(key, watched(stream(bytes)))
  assert.equal(size, bytes)
  const digest = new StreamingDigest()
  for await (const chunk of watched((await backend.read(key)).body)) digest.update(chunk)
  assert.equal(digest.sha256(), sha256)
  measure()
}

async function* stream(bytes: number): AsyncGenerator<Uint8Array> {
  for (let sent = 0; sent < bytes; sent += chunkBytes)
    yield Buffer.alloc(Math.min(chunkBytes, bytes - sent), sent / chunkBytes)
}
