import { AsyncLocalStorage } from 'node:async_hooks'
import { adapter } from '@holdfast/adapter-s3'
import { type CheckpointBackend, CheckpointStore, MemoryBackend, systemEnvironment } from '@holdfast/core'
import { openBackend } from '@holdfast/core/backend'
import { startS3Emulator } from '@holdfast/emulators'
import { startProxy } from '@holdfast/emulators/proxy'
import { classesOf, type JointSaveRequests } from './count-joint-save.ts'

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

/** Lets at most `limit` calls run at once, in their order. */
class Turns {
  readonly #limit: number
  #free: number
  readonly #waiting: (() => void)[] = []
  readonly #whenIdle: (() => void)[] = []

  constructor(limit: number) {
    this.#limit = limit
    this.#free = limit
  }

  /** Resolves as soon as no call runs or waits. */
  async idle(): Promise<void> {
    if (this.#free < this.#limit) await new Promise<void>((resolve) => this.#whenIdle.push(resolve))
  }

  async take<Result>(call: () => Promise<Result>): Promise<Result> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await call()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#free += 1
      else next()
      if (this.#free === this.#limit) for (const resolve of this.#whenIdle.splice(0)) resolve()
    }
  }
}

/** Calls that one process can send at once without a timeout. */
const callsAtOnce = 32

/** Returns the same backend, which counts the calls of each rank. They take turns. */
function counted(backend: CheckpointBackend, turns: Turns): CheckpointBackend {
  return {
    url: backend.url,
    capabilities: backend.capabilities,
    place: (options) => backend.place(options),
    setHold: (...given) => backend.setHold(...given),
    put: (...given) => {
      count('writes')
      return turns.take(() => backend.put(...given))
    },
    commit: (...given) => {
      count('writes')
      return turns.take(() => backend.commit(...given))
    },
    read: (...given) => {
      count('reads')
      return turns.take(() => backend.read(...given))
    },
    stat: (...given) => {
      count('reads')
      return turns.take(() => backend.stat(...given))
    },
    async *list(...given) {
      count('writes')
      yield* await turns.take(() => Array.fromAsync(backend.list(...given)))
    },
    delete: (...given) => {
      count('deletions')
      return turns.take(() => backend.delete(...given))
    },
    hash: (...given) => backend.hash(...given),
    freeSpace: (options) => backend.freeSpace(options),
    sweep: (options) => backend.sweep(options),
    close: () => backend.close(),
  }
}

/** The same as `countJointSave` with a store in memory. */
export async function countJointSaveInMemory(size: number): Promise<JointSaveRequests> {
  return countCalls(new MemoryBackend(), size)
}

/**
 * The same as `countJointSave`, for jobs whose ranks are too many for a connection each: all send through one connection to the
 * S3 emulator, and at most 32 at once. The totals are those of the emulator.
 */
export async function countJointSaveInTurns(size: number): Promise<JointSaveRequests> {
  const bucket = 'ranks'
  await using emulator = await startS3Emulator({ buckets: [bucket] })
  const { accessKeyId, secretAccessKey } = emulator.credentials
  Object.assign(process.env, { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey })
  await using proxy = await startProxy({ target: emulator.endpoint })
  const url = new URL(`s3://${bucket}/job?endpoint=${proxy.url}&region=${emulator.region}`)
  const backend = await openBackend(url, { adapters: [adapter] })
  try {
    const counts = await countCalls(backend, size, () => {
      proxy.requests.clear()
    })
    return { ...counts, ...classesOf([...proxy.requests]) }
  } finally {
    await backend.close()
  }
}

/** Plays a job, and counts what its ranks call for the second save. The first one joins the job. */
async function countCalls(
  ofJob: CheckpointBackend,
  size: number,
  beforeSecond: () => void = () => undefined,
): Promise<JointSaveRequests> {
  const turns = new Turns(callsAtOnce)
  const backend = counted(ofJob, turns)
  const environment = {
    ...systemEnvironment,
    // One process is slower than as many as there are ranks. So a rank looks again only when all others wait as well.
    pause: async (...given: Parameters<typeof systemEnvironment.pause>) => {
      count('polls')
      await systemEnvironment.pause(...given)
      await turns.idle()
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
  beforeSecond()
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
