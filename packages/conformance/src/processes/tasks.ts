import assert from 'node:assert/strict'
import { type CheckpointBackend, StreamingDigest } from '@holdfast/core/backend'
import type { Place } from '../place.ts'

/** What another process is asked to do, and what it answers. */
export interface Tasks {
  /** Opens the backend that the other tasks work on. */
  readonly open: { readonly asked: Place; readonly answer: null }
  /** Commits to the key of every round, with bytes of its own; answers the rounds in which it was told `created`. */
  readonly race: {
    readonly asked: { readonly racer: number; readonly rounds: number }
    readonly answer: readonly number[]
  }
  /**
   * Passes an object of so many bytes through the backend; answers by how many that raised its memory at most, without
   * what is no longer used: how much of that there is depends on the machine and its load.
   */
  readonly pass: { readonly asked: { readonly bytes: number }; readonly answer: number }
}

export function raceKey(round: number): string {
  return `race/${round}`
}

export function raceBody(racer: number, round: number): Uint8Array {
  return Buffer.from(`process ${racer} of round ${round}`)
}

export async function race(
  backend: CheckpointBackend,
  { racer, rounds }: Tasks['race']['asked'],
): Promise<readonly number[]> {
  const won: number[] = []
  for (let round = 0; round < rounds; round += 1)
    if ((await backend.commit(raceKey(round), raceBody(racer, round))) === 'created') won.push(round)
  return won
}

/** Looked at after every so many bytes. */
const stride = 2 ** 22

const chunkBytes = 2 ** 16

export async function pass(backend: CheckpointBackend, { bytes }: Tasks['pass']['asked']): Promise<number> {
  await passOnce(backend, 'small', 1, () => undefined) // what is loaded at first use is no buffer
  const before = memoryUsed()
  let most = before
  await passOnce(backend, 'large', bytes, () => {
    most = Math.max(most, memoryUsed())
  })
  return most - before
}

function memoryUsed(): number {
  assert.ok(gc !== undefined, 'the process was not started with --expose-gc')
  gc()
  return process.memoryUsage.rss()
}

/** Puts a stream of unknown length, and reads it again. */
async function passOnce(
  backend: CheckpointBackend,
  key: string,
  bytes: number,
  look: () => void,
): Promise<void> {
  const watched = async function* (stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let seen = 0
    for await (const chunk of stream) {
      if (Math.floor((seen + chunk.byteLength) / stride) > Math.floor(seen / stride)) look()
      seen += chunk.byteLength
      yield chunk
    }
  }
  const { size, sha256 } = await backend.put(key, watched(stream(bytes)))
  assert.equal(size, bytes)
  const digest = new StreamingDigest()
  for await (const chunk of watched((await backend.read(key)).body)) digest.update(chunk)
  assert.equal(digest.sha256(), sha256)
  look()
}

async function* stream(bytes: number): AsyncGenerator<Uint8Array> {
  for (let given = 0; given < bytes; given += chunkBytes)
    yield Buffer.alloc(Math.min(chunkBytes, bytes - given), given / chunkBytes)
}
