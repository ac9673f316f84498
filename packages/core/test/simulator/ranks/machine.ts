import { type Environment, systemEnvironment } from '../../../src/index.ts'
import type { MemberFiles } from '../../../src/local-files/member-files.ts'
import type { Random } from '../random.ts'
import type { Scheduler } from '../scheduler.ts'
import { idsOf } from './content.ts'

/** The machine of one start of a rank. All processes of the rank run on it. */
export class Machine {
  readonly #environment: Environment
  readonly #scheduler: Scheduler

  constructor(member: string, scheduler: Scheduler, random: Random) {
    this.#scheduler = scheduler
    const skew = (random.next() - 0.5) * 86_400_000
    this.#environment = {
      ...systemEnvironment,
      now: () => new Date(scheduler.time + skew),
      elapsed: () => scheduler.time,
      machine: { isBusy: () => Promise.resolve(false) },
      processes: { self: () => Promise.resolve(undefined), livenessOf: () => Promise.resolve('unknown') },
      random: () => random.next(),
      newId: idsOf(member),
      newToken: () => random.hex(16),
      tidyEvery: random.of([3, 8, systemEnvironment.tidyEvery]),
      memberFiles: memberFilesInMemory(),
      deliver: async (_, deliveries, { beforeExchange, onMissing }) => {
        onMissing?.(new Set(deliveries.keys()))
        const contents: string[] = []
        for (const { open } of deliveries) {
          const stream = await open(new AbortController().signal, 1)
          contents.push(Buffer.concat(await Array.fromAsync(stream)).toString())
        }
        await beforeExchange?.()
        return { paths: contents, others: undefined }
      },
    }
  }

  /** The environment of one process. `onWoken` is called when a pause of it ends. */
  of(process: string, onWoken: () => void): Environment {
    return {
      ...this.#environment,
      pause: async (milliseconds) => {
        await this.#scheduler.turn(process, 'pauses', milliseconds)
        onWoken()
      },
    }
  }
}

function memberFilesInMemory(): MemberFiles {
  const files = new Map<string, Uint8Array>()
  return {
    read: async (file) => Promise.resolve(files.get(file)),
    create: async (file, bytes) => {
      const isNew = !files.has(file)
      if (isNew) files.set(file, bytes)
      return Promise.resolve(isNew)
    },
    remove: async (file) => {
      files.delete(file)
      return Promise.resolve()
    },
  }
}
