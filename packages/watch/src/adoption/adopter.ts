import { type CheckpointStore, HoldfastError, isHoldfastError, type SaveResult } from '@holdfast/core'
import { isFinal, throwIfAborted } from '@holdfast/core/backend'
import { systemClock, type WatchClock } from '../clock.ts'
import { digestOfContents } from '../folder/content-digest.ts'
import { takeSnapshot } from '../folder/snapshot.ts'
import type { MetricsTable } from '../formats/csv.ts'
import { type AdoptionOptions, type QuietPeriods, quietPeriodsOf } from '../options.ts'
import { Announcements } from './announcements.ts'
import { type Failing, Outcomes } from './outcomes.ts'
import { consume } from './consume.ts'
import { decideFor } from './decide-for.ts'
import type { AdoptedFrom, Decision } from './decide.ts'
import type { Survey } from './detect.ts'
import { type Adoptable, eligible } from './eligible.ts'
import { type Present, takeInventory } from './inventory.ts'
import type { WholeCheckpoint } from './inspect.ts'
import { metricsOf, readMetrics } from './metrics.ts'
import type { TrainersOrder } from './order.ts'
import { planAdoption, type PlannedCheckpoint } from './plan.ts'
import { Settling } from './settling.ts'
import { storedAt } from './stored.ts'
import { WatchedFolder } from './watched-folder.ts'

export interface ScanReport {
  /** The name of the layout. `undefined` if no layout recognises the folder. */
  readonly layout: string | undefined
  /** The names of the checkpoints that this scan committed, in order. */
  readonly adopted: readonly string[]
  /** The milliseconds until the next complete checkpoint has been quiet long enough, if one is waiting. */
  readonly quietIn: number | undefined
  /** The failed saves that may succeed later. */
  readonly failing: readonly Failing[]
  /** The folders in which a change matters. */
  readonly folders: readonly string[]
  /** The milliseconds that reading the folder took, without the saves. */
  readonly surveyTime: number
}

export interface AdopterOptions extends AdoptionOptions {
  readonly order: TrainersOrder
  /** Whether to treat files that were modified long ago as finished, without watching them first. */
  readonly trustsAge: boolean
  /** Whether to reject with the first error that does not concern a single checkpoint. */
  readonly failsFast: boolean
}

/**
 * The state of the program that writes. After it has ended, no checkpoint changes, so no quiet period applies. If it
 * failed, it may have died during a write. A checkpoint is then adopted only if its format or trainer shows its end.
 */
export type WriterState = 'writing' | 'finished' | 'failed'

type Outcome = 'adopted' | 'changed' | 'left'

/** Longer than the difference between clocks in one network. */
const oldAge = 10 * 60_000

/**
 * Adopts the checkpoints of one folder into one store, scan by scan. In each scan, handles one checkpoint after
 * another.
 */
export class Adopter {
  readonly #store: CheckpointStore
  readonly #options: AdopterOptions
  readonly #quietPeriods: QuietPeriods
  readonly #clock: WatchClock
  readonly #announcements: Announcements
  readonly #folder: WatchedFolder
  readonly #settling = new Settling()
  readonly #outcomes = new Outcomes()

  constructor(store: CheckpointStore, folder: string, options: AdopterOptions) {
    this.#store = store
    this.#options = options
    this.#quietPeriods = quietPeriodsOf(options)
    this.#clock = options.clock ?? systemClock
    this.#announcements = new Announcements(options.onEvent)
    this.#folder = new WatchedFolder(store, folder, options, this.#announcements)
  }

  /** The name of the layout, once one is chosen or recognised. */
  get layout(): string | undefined {
    return this.#folder.layout
  }

  /** Scans the folder, and adopts every complete checkpoint that has been quiet long enough. */
  async scan(writer: WriterState = 'writing'): Promise<ScanReport> {
    const began = this.#clock.now()
    const found = await this.#folder.survey()
    const surveyTime = this.#clock.now() - began
    const { ready, quietIn } = this.#readyOf(found, writer)
    const metrics = await readMetrics(ready.length === 0 ? undefined : this.#options.metricsFile)
    const adopted: string[] = []
    const waits = quietIn === undefined ? [] : [quietIn]
    for (const each of ready) {
      throwIfAborted(this.#options.signal, 'Adopting checkpoints')
      const outcome = await this.#treat(each, metrics)
      if (outcome === 'adopted') adopted.push(each.candidate.name)
      if (outcome === 'changed') waits.push(this.#quietPeriods.signalled)
    }
    return {
      layout: found?.layout.name,
      adopted,
      quietIn: waits.length === 0 ? undefined : Math.min(...waits),
      failing: this.#outcomes.failing(this.#clock.now()),
      folders: found?.folders ?? [this.#folder.path],
      surveyTime,
    }
  }

  /** Returns what a scan would do with every complete checkpoint. Changes nothing. */
  async plan(): Promise<readonly PlannedCheckpoint[]> {
    return planAdoption(this.#store, this.#folder, this.#options)
  }

  /** Returns the checkpoints in the folder, and which of them the store has. Changes nothing. */
  async inventory(): Promise<readonly Present[]> {
    const { order, signal } = this.#options
    return takeInventory(this.#store, this.#folder, { order, signal })
  }

  /** Returns the step and the digest of the checkpoint that was adopted last. */
  async lastAdopted(): Promise<{ readonly step: number; readonly digest: string } | undefined> {
    return (await this.#folder.memory()).last
  }

  /** Forgets checkpoints that were removed from the folder, so that new ones with the same name are adopted. */
  async forget(names: readonly string[]): Promise<void> {
    for (const name of names) await this.#folder.forget(name)
  }

  /** Returns the checkpoints that may be adopted now, and the time until the next one may be. */
  #readyOf(
    found: Survey | undefined,
    writer: WriterState,
  ): {
    readonly ready: readonly Adoptable[]
    readonly quietIn: number | undefined
  } {
    if (found === undefined) return { ready: [], quietIn: undefined }
    const now = this.#clock.now()
    const waits: number[] = []
    for (const each of found.inspections) {
      if (each.state !== 'incomplete') continue
      this.#announcements.announceOnce({
        type: 'incomplete',
        name: each.candidate.name,
        missing: each.missing,
      })
    }
    const ready = eligible(found, this.#options.order, this.#announcements).filter((each) => {
      const { name } = each.candidate
      const { fingerprint } = each.snapshot
      if (this.#outcomes.isSettled(name, fingerprint)) return false
      if (each.state === 'complete' && isDoubtful(each, writer)) return false
      const wait = each.state === 'adopted' || writer !== 'writing' ? 0 : this.#quietIn(each, now)
      if (wait > 0) waits.push(wait)
      return wait === 0 && this.#outcomes.dueIn(name, fingerprint, now) === 0
    })
    const present = new Set(found.inspections.map(({ candidate }) => candidate.name))
    this.#settling.keepOnly(present)
    this.#outcomes.keepOnly(present)
    return { ready, quietIn: waits.length === 0 ? undefined : Math.min(...waits) }
  }

  /** Returns the milliseconds until a complete checkpoint has been quiet long enough. */
  #quietIn({ candidate, snapshot, reading }: WholeCheckpoint, now: number): number {
    const age = this.#clock.wallTime() - snapshot.modifiedAt
    if (this.#options.trustsAge && age > oldAge) return 0
    const { signalled, unsignalled } = this.#quietPeriods
    const period = reading.isSignalled ? signalled : unsignalled
    return Math.max(0, period - this.#settling.quietFor(candidate.name, snapshot.fingerprint, now))
  }

  /** A failed save does not stop later saves, unless they would fail for the same reason. */
  async #treat(each: Adoptable, metrics: MetricsTable): Promise<Outcome> {
    const { name } = each.candidate
    try {
      if (each.state === 'complete') return await this.#adopt(each, metrics)
      await this.#consumeIfStored(each, each.known)
      this.#outcomes.settle(name, each.snapshot.fingerprint)
      return 'left'
    } catch (error) {
      // INVALID_ARGUMENT and CORRUPT may concern one checkpoint only, and end once its files change.
      if (!isHoldfastError(error) || isFinal(error)) throw error
      if (this.#options.failsFast && !isHoldfastError(error, 'INVALID_ARGUMENT')) throw error
      const retryIn = this.#outcomes.fail(name, each.snapshot.fingerprint, error, this.#clock.now())
      this.#announcements.announce({ type: 'failed', name, error, retryIn })
      return 'left'
    }
  }

  async #adopt(whole: WholeCheckpoint, metrics: MetricsTable): Promise<Outcome> {
    const { name } = whole.candidate
    const { signal } = this.#options
    const memory = await this.#folder.memory()
    const decision = await decideFor(whole, { store: this.#store, memory, planned: new Map(), signal })
    switch (decision.do) {
      case 'pass over':
        this.#outcomes.settle(name, whole.snapshot.fingerprint)
        this.#announcements.announceOnce({ type: 'passedOver', name, reason: decision.reason })
        return 'left'
      case 'remember':
        await this.#folder.remember(whole, decision)
        this.#announcements.announceOnce({ type: 'known', name, step: decision.step })
        await this.#consumeIfStored(whole, decision)
        return 'left'
      case 'save': {
        const saved = await this.#save(whole, decision, metrics)
        if (saved === undefined) return 'changed'
        this.#outcomes.succeed(name)
        this.#announcements.announce({ type: 'adopted', name, saved })
        const stored = { step: saved.step, digest: digestOfContents(saved.files) }
        await this.#folder.remember(whole, stored)
        await this.#consumeIfStored(whole, stored)
        return 'adopted'
      }
    }
  }

  /** Returns `undefined` if the files changed during the save. */
  async #save(
    whole: WholeCheckpoint,
    { step, onExisting }: Extract<Decision, { readonly do: 'save' }>,
    metrics: MetricsTable,
  ): Promise<SaveResult | undefined> {
    const { candidate, snapshot, reading } = whole
    const { signal, tags, onProgress } = this.#options
    const { name } = candidate
    const isUnchanged = async (): Promise<boolean> =>
      (await takeSnapshot(candidate))?.fingerprint === snapshot.fingerprint
    try {
      return await this.#store.save({
        step,
        epoch: reading.epoch,
        files: Object.fromEntries(snapshot.files.map((file) => [file.name, file.path])),
        metrics: metricsOf(whole, step, metrics),
        metadata: { watch: { ...adoptedFrom(whole, this.#folder.layout ?? 'auto') } },
        tags,
        onExisting,
        keepsOrder: true,
        signal,
        beforeCommit: async () => {
          if (!(await isUnchanged())) throw changed(candidate.path)
        },
        onProgress: (progress) => {
          onProgress?.({ name, ...progress })
        },
      })
    } catch (error) {
      if (isHoldfastError(error, 'FENCED', 'ABORTED') || (await isUnchanged())) throw error
      this.#announcements.announce({ type: 'changed', name })
      return undefined
    }
  }

  /** Deletes the trainer's files, but only while the store lists the same bytes. */
  async #consumeIfStored(
    { candidate, snapshot }: Pick<WholeCheckpoint, 'candidate' | 'snapshot'>,
    { step, digest }: { readonly step: number; readonly digest: string },
  ): Promise<void> {
    if (this.#options.consume !== true) return
    const stored = await storedAt(this.#store, step, this.#options.signal)
    if (stored?.digest !== digest) return
    if (await consume(candidate, snapshot))
      this.#announcements.announce({ type: 'consumed', name: candidate.name })
  }
}

/** Whether the program may have failed while it wrote a checkpoint, and nothing shows that it had finished. */
function isDoubtful({ reading }: WholeCheckpoint, writer: WriterState): boolean {
  return writer === 'failed' && !reading.isSignalled
}

function adoptedFrom({ candidate, snapshot }: WholeCheckpoint, layout: string): AdoptedFrom {
  return { name: candidate.name, layout, modifiedAt: new Date(snapshot.modifiedAt).toISOString() }
}

function changed(path: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `${path} changed while it was being saved. Nothing was saved. It is saved again once its writer has finished.`,
  )
}
