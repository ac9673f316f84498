import { AsyncLocalStorage } from 'node:async_hooks'
import { CheckpointStore, MemoryBackend, systemEnvironment } from '@holdfast/core'
import type { JointSaveRequests } from './joint-requests.ts'

/** What one rank sent. An object store gets one request for each call. */
interface Sent {
  writes: number
  reads: number
  deletions: number
  polls: number
}

const ofRank = new AsyncLocalStorage<Sent>()

function count(kind: 'writes' | 'reads' | 'deletions' | 'polls'): void {
  const sent = ofRank.getStore()
  if (sent !== undefined) sent[kind] += 1
}

/** Counts the calls of each rank. */
class CountingBackend extends MemoryBackend {
  override async put(...given: Parameters<MemoryBackend['put']>) {
    count('writes')
    return super.put(...given)
  }

  override async commit(...given: Parameters<MemoryBackend['commit']>) {
    count('writes')
    return super.commit(...given)
  }

  override async read(...given: Parameters<MemoryBackend['read']>) {
    count('reads')
    return super.read(...given)
  }

  override async stat(...given: Parameters<MemoryBackend['stat']>) {
    count('reads')
    return super.stat(...given)
  }

  override async delete(...given: Parameters<MemoryBackend['delete']>) {
    count('deletions')
    return super.delete(...given)
  }

  override async *list(...given: Parameters<MemoryBackend['list']>) {
    count('writes')
    yield* super.list(...given)
  }
}

/**
 * The same as `countJointSave` with a store in memory, for jobs that are too large to be played on an emulator by one process.
 * Every list of such a job has one page, as long as there are fewer than 1,000 ranks.
 */
export async function countJointSaveInMemory(size: number): Promise<JointSaveRequests> {
  const backend = new CountingBackend()
  const environment = {
    ...systemEnvironment,
    pause: async (...given: Parameters<typeof systemEnvironment.pause>) => {
      count('polls')
      await systemEnvironment.pause(...given)
    },
  }
  const timeouts = { joinTimeout: 3_600_000, saveTimeout: 3_600_000 }
  const ranks = Array.from({ length: size }, (_, rank) => ({
    store: new CheckpointStore(backend, { ranks: { rank, size, ...timeouts } }, environment),
    sent: { writes: 0, reads: 0, deletions: 0, polls: 0 },
  }))
  const saveAll = async (step: number): Promise<number | undefined> => {
    const saved = await Promise.all(
      ranks.map(({ store, sent }, rank) =>
        ofRank.run(sent, async () => {
          const files = { [`rank-${rank}.bin`]: Buffer.from(`rank ${rank} at step ${step}`) }
          const result = await store.save({ step, files })
          await store.flush()
          return result
        }),
      ),
    )
    return saved[0]?.committedBy
  }
  await saveAll(1)
  for (const { sent } of ranks) Object.assign(sent, { writes: 0, reads: 0, deletions: 0, polls: 0 })
  const committedBy = await saveAll(2)
  const sum = (kind: 'writes' | 'reads' | 'deletions'): number =>
    ranks.reduce((total, { sent }) => total + sent[kind], 0)
  const [writes, reads, deletions] = [sum('writes'), sum('reads'), sum('deletions')]
  return {
    size,
    total: writes + reads + deletions,
    writes,
    reads,
    deletions,
    ranks: ranks.map(({ sent }, rank) => ({
      isCommitting: rank === committedBy,
      requests: sent.writes + sent.reads + sent.deletions - 1,
      polls: sent.polls + 1,
    })),
  }
}
