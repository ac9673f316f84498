import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { CheckpointStore } from '@holdfast/core'
import { openBackend, parseLocation } from '@holdfast/core/backend'
import { differenceFrom, operationIn } from './content.ts'
import { isReport, type Settings } from './operations.ts'
import { type ListedCheckpoint, Oracle } from './oracle.ts'
import { backendOptions } from './backend-options.ts'
import { adapters, type Place } from './places.ts'
import { Random } from './random.ts'

/** The result of one campaign on one store. */
export interface CampaignReport {
  readonly seed: number
  readonly seconds: number
  readonly kills: number
  readonly stops: number
  readonly terminations: number
  readonly operations: number
  readonly acknowledgedSaves: number
  /** Number of restores that were compared byte by byte. */
  readonly restores: number
  /** Descriptions of broken promises. */
  readonly violations: readonly string[]
}

const actorsAtOnce = 5
const disturbancesPerRound = 6
/** Longest time between two disturbances in milliseconds. */
const maxPause = 400
/** Longest time for which a process is stopped, in milliseconds. */
const maxStop = 1500
const threeYears = 3 * 365 * 24 * 60 * 60 * 1000

/**
 * Starts processes that use one new store, and kills and stops them at random. After each round, compares the contents
 * of the store with the operations that it acknowledged.
 */
export async function campaign(place: Place, seed: number, rounds: number): Promise<CampaignReport> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-attack-actors-'))
  try {
    return await new Campaign(place, seed, folder).run(rounds)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

class Campaign {
  readonly #place: Place
  readonly #seed: number
  readonly #folder: string
  readonly #random: Random
  readonly #settings: Settings
  readonly #oracle = new Oracle()
  readonly #violations: string[] = []
  readonly #actors = new Set<ChildProcess>()
  #started = 0
  #kills = 0
  #stops = 0
  #terminations = 0
  #restores = 0

  constructor(place: Place, seed: number, folder: string) {
    this.#place = place
    this.#seed = seed
    this.#folder = folder
    this.#random = new Random(seed)
    this.#settings = {
      url: place.newStore(),
      mode: this.#random.of(['shared', 'shared', 'exclusive']),
      keepsByAge: this.#random.below(3) === 0,
      gracePeriod: this.#random.of([300, 3000, 24 * 60 * 60 * 1000]),
    }
  }

  async run(rounds: number): Promise<CampaignReport> {
    const began = performance.now()
    for (let round = 0; round < rounds && this.#violations.length === 0; round += 1) {
      await Promise.all(Array.from({ length: actorsAtOnce }, () => this.#start()))
      for (let index = 0; index < disturbancesPerRound; index += 1) await this.#disturb()
      await this.#killAll()
      this.#oracle.recordDeaths()
      await this.#judge()
    }
    await this.#killAll()
    if (this.#violations.length === 0) await this.#judgeSweep()
    return {
      seed: this.#seed,
      seconds: Math.round((performance.now() - began) / 1000),
      kills: this.#kills,
      stops: this.#stops,
      terminations: this.#terminations,
      operations: this.#oracle.count('all'),
      acknowledgedSaves:
        this.#oracle.count('save', 'acknowledged') + this.#oracle.count('replace', 'acknowledged'),
      restores: this.#restores + this.#oracle.count('restore', 'acknowledged'),
      violations: this.#violations,
    }
  }

  /** Starts an actor and waits for its first operation, so that it is not killed while it is still starting. */
  async #start(): Promise<void> {
    this.#started += 1
    const name = `actor-${this.#started}`
    const clock = this.#random.below(3) === 0 ? 0 : this.#random.below(2 * threeYears) - threeYears
    const words = [
      JSON.stringify(this.#settings),
      String(this.#seed * 1000 + this.#started),
      name,
      String(clock),
      this.#folder,
    ]
    const actor = fork(join(import.meta.dirname, 'actor.ts'), words, {
      env: { ...process.env, ...this.#place.env, NODE_NO_WARNINGS: '1' },
      execArgv: [],
    })
    this.#actors.add(actor)
    const ready = Promise.withResolvers<undefined>()
    actor.on('message', (message) => {
      if (!isReport(message)) return
      ready.resolve(undefined)
      if (message.when === 'started') this.#oracle.start(message.operation)
      else if (message.when === 'ended') this.#oracle.end(message.id, message.outcome)
      else this.#violations.push(message.what)
    })
    actor.on('exit', (code) => {
      this.#actors.delete(actor)
      ready.resolve(undefined)
      // An actor runs until a signal kills it. An exit code means that an error was not caught.
      if (code !== null) this.#violations.push(`${name} exited with ${code}`)
    })
    await ready.promise
  }

  async #disturb(): Promise<void> {
    await setTimeout(this.#random.below(maxPause))
    const actors = [...this.#actors]
    const actor = actors[this.#random.below(Math.max(1, actors.length))]
    if (actor === undefined) return
    const choice = this.#random.below(10)
    if (choice < 6) {
      this.#kills += 1
      await end(actor, 'SIGKILL')
      await this.#start()
    } else if (choice < 7) {
      this.#terminations += 1
      await end(actor, 'SIGTERM')
      await this.#start()
    } else {
      this.#stops += 1
      actor.kill('SIGSTOP')
      await setTimeout(this.#random.below(maxStop))
      actor.kill('SIGCONT')
    }
  }

  async #killAll(): Promise<void> {
    await Promise.all([...this.#actors].map((actor) => end(actor, 'SIGKILL')))
  }

  async #judge(): Promise<void> {
    await using store = await this.#open()
    const listed = new Map<number, ListedCheckpoint>()
    for (const { step, pinned } of await store.list()) {
      const details = await store.get(step)
      listed.set(step, { id: operationIn(details?.metadata) ?? 'none', pinned: pinned !== undefined })
    }
    this.#violations.push(...this.#oracle.judge(listed, this.#settings.keepsByAge))
    for (const { step, reason } of await store.quarantined())
      this.#violations.push(`step ${step} is quarantined: ${reason}`)
    const report = await store.verify()
    if (!report.good) this.#violations.push(`verify: ${JSON.stringify(report)}`)
    for (const step of [...listed.keys()].slice(-3)) await this.#compare(store, step)
  }

  async #compare(store: CheckpointStore, step: number): Promise<void> {
    const to = join(this.#folder, 'judge')
    const restored = await store.restore(step, { to })
    const id = operationIn(restored?.metadata)
    const difference =
      restored === undefined || id === undefined
        ? 'nothing was restored'
        : await differenceFrom(id, restored.restored)
    this.#restores += 1
    if (difference !== undefined) this.#violations.push(`step ${step}: ${difference}`)
    await rm(to, { recursive: true, force: true })
  }

  /** Takes over the store, sweeps it, and reports leftovers of dead actors that still exist. */
  async #judgeSweep(): Promise<void> {
    await using store = await this.#open({ mode: 'exclusive', gracePeriod: 0 })
    await store.save({
      step: 1_000_000_000,
      files: { last: Buffer.from('last') },
      metadata: { operation: 'last' },
    })
    await store.sweep()
    const left = await store.sweep({ dryRun: true })
    if (left.objects > 0 || left.unfinished > 0)
      this.#violations.push(`after a sweep, leftovers exist: ${JSON.stringify(left)}`)
  }

  async #open(
    options: { readonly mode: Settings['mode']; readonly gracePeriod?: number } = { mode: 'shared' },
  ): Promise<CheckpointStore> {
    const { url } = this.#settings
    Object.assign(process.env, this.#place.env)
    const backend = await openBackend(parseLocation(url), { adapters, backend: backendOptions(url) })
    return new CheckpointStore(backend, options)
  }
}

async function end(actor: ChildProcess, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  if (actor.exitCode !== null || actor.signalCode !== null) return
  // 'close' follows the last message of the process. 'exit' can precede it.
  const closed = once(actor, 'close')
  actor.kill(signal)
  await closed
}
