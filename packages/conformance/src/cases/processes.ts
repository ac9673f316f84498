import assert from 'node:assert/strict'
import { type CheckpointBackend, formatSize } from '@holdfast/core/backend'
import { assertStored } from '../expect.ts'
import type { Place } from '../place.ts'
import { OtherProcess } from '../processes/other-process.ts'
import { OtherProcesses } from '../processes/other-processes.ts'
import { raceBody, raceKey } from '../processes/tasks.ts'
import type { Case, Subject } from '../subject.ts'

const racers = 16
const rounds = 10

/** Bytes by which the heap and the sockets of a process may grow beside the declared buffers, for any object size. */
const overheadBytes = 64 * 2 ** 20

/** Bytes by which the object exceeds the declared buffers, so that a backend that keeps all of it exceeds the limit. */
const excessBytes = 256 * 2 ** 20

export const processCases: readonly Case[] = [
  {
    name: `exactly one of ${racers} processes that commit to a key gets "created", and its body is stored`,
    skipReason: withoutPlace,
    async run(backend, subject) {
      await using others = new OtherProcesses()
      const opening = Array.from({ length: racers }, async () =>
        others.add(await OtherProcess.open(placeOf(backend, subject))),
      )
      const racing = await allOf(opening)
      const won = await allOf(racing.map((other, racer) => other.perform('race', { racer, rounds })))
      for (let round = 0; round < rounds; round += 1) {
        const winners = won.flatMap((each, racer) => (each.includes(round) ? [racer] : []))
        assert.equal(winners.length, 1, `in round ${round}, ${winners.length} processes got "created"`)
        await assertStored(backend, raceKey(round), raceBody(winners[0] ?? -1, round))
      }
    },
  },
  {
    name: 'memory stays within maxBufferedBytes while a large object is stored and read',
    skipReason: withoutPlace,
    async run(backend, subject) {
      const { maxBufferedBytes, maxObjectBytes } = backend.capabilities
      await using other = await OtherProcess.open(placeOf(backend, subject))
      const bytes = Math.min(maxBufferedBytes + excessBytes, maxObjectBytes)
      const raised = await other.perform('pass', { bytes })
      assert.ok(
        raised <= maxBufferedBytes + overheadBytes,
        `an object of ${formatSize(bytes)} raised memory by ${formatSize(raised)}; ` +
          `the limit is ${formatSize(maxBufferedBytes)} (maxBufferedBytes) plus ${formatSize(overheadBytes)}`,
      )
    },
  },
]

function withoutPlace({ place }: Subject): string | undefined {
  return place === undefined ? 'the subject has no option place' : undefined
}

function placeOf(backend: CheckpointBackend, { place }: Subject): Place {
  assert.ok(place !== undefined)
  return place(backend)
}

/** Waits for all calls, even if one rejects, so that no call is running when the caller cleans up. */
async function allOf<T>(calls: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(calls)
  return Promise.all(calls)
}
