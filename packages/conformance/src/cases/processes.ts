import assert from 'node:assert/strict'
import { type CheckpointBackend, formatSize } from '@holdfast/core/backend'
import { holds } from '../expect.ts'
import type { Place } from '../place.ts'
import { OtherProcess } from '../processes/other-process.ts'
import { raceBody, raceKey } from '../processes/tasks.ts'
import type { Case, Subject } from '../subject.ts'

const racers = 16
const rounds = 10

/** What the heap and the sockets of a process may grow by beside what is no longer used, however large the object. */
const besideBuffers = 64 * 2 ** 20

/** Bytes by which the object that passes is larger than all buffers, so that one who keeps it whole is noticed. */
const beyondBuffers = 256 * 2 ** 20

export const processCases: readonly Case[] = [
  {
    name: `of ${racers} processes that commit to one key exactly one is told "created", and its body stands`,
    notAsked: withoutPlace,
    async run(backend, subject) {
      await using others = new AsyncDisposableStack()
      const opening = Array.from({ length: racers }, async () =>
        others.use(await OtherProcess.open(placeOf(backend, subject))),
      )
      const racing = await allOf(opening)
      const won = await allOf(racing.map((other, racer) => other.perform('race', { racer, rounds })))
      for (let round = 0; round < rounds; round += 1) {
        const winners = won.flatMap((each, racer) => (each.includes(round) ? [racer] : []))
        assert.equal(winners.length, 1, `in round ${round} ${winners.length} were told "created"`)
        await holds(backend, raceKey(round), raceBody(winners[0] ?? -1, round))
      }
    },
  },
  {
    name: 'memory stays within what the capabilities say while a large object passes, in and out',
    notAsked: withoutPlace,
    async run(backend, subject) {
      const { maxBufferedBytes, maxObjectBytes } = backend.capabilities
      await using other = await OtherProcess.open(placeOf(backend, subject))
      const bytes = Math.min(maxBufferedBytes + beyondBuffers, maxObjectBytes)
      const raised = await other.perform('pass', { bytes })
      assert.ok(
        raised <= maxBufferedBytes + besideBuffers,
        `${formatSize(bytes)} raised memory by ${formatSize(raised)}; ` +
          `the capabilities say ${formatSize(maxBufferedBytes)}, and ${formatSize(besideBuffers)} go beside`,
      )
    },
  },
]

function withoutPlace({ place }: Subject): string | undefined {
  return place === undefined ? 'the subject does not say how another process opens it' : undefined
}

function placeOf(backend: CheckpointBackend, { place }: Subject): Place {
  assert.ok(place !== undefined)
  return place(backend)
}

/** Waits for all also when one fails, so that whoever cleans up finds nothing still moving. */
async function allOf<T>(calls: readonly Promise<T>[]): Promise<readonly T[]> {
  await Promise.allSettled(calls)
  return Promise.all(calls)
}
