import { type CheckpointStore, isHoldfastError } from '@holdfast/core'
import { isFinal, throwIfAborted } from '@holdfast/core/backend'
import { systemClock, type WatchClock } from '../clock.ts'
import type { Disk } from '../disk.ts'
import { digestOfContents } from '../folder/content-digest.ts'
import type { AdoptedBytes } from '../memory/memory.ts'
import { type AdoptionOptions, type QuietPeriods, quietPeriodsOf } from '../options.ts'
import { Announcements } from './announcements.ts'
import { type Failing, type Hold, Outcomes } from './outcomes.ts'
import { Consumption } from './consumption.ts'
import type { SaveDecision } from './decide.ts'
import { decideFor } from './decide-for.ts'
import type { Survey } from './detect.ts'
import { type Adoptable, type Complete, eligible } from './eligible.ts'
import { type Present, takeInventory } from './inventory.ts'
import type { WholeCheckpoint } from './inspect.ts'
import { readGrowingMetrics, readMetrics } from './metrics.ts'
import type { MetricsTable } from './metrics-table.ts'
import type { TrainersOrder } from './order.ts'
import { overtakerOf } from './overtaken.ts'
import { planAdoption, type PlannedCheckpoint } from './plan.ts'
import { saveWhole } from './save-whole.ts'
import { Settling } from './settling.ts'
import { WatchedFolder } from './watched-folder.ts'

export interface ScanReport {
  /** The name of the layout. `undefined` if no layout recognises the folder. */
  readonly layout: string | undefined
  /** The names of the checkpoints that this scan committed, in order. */
  readonly adopted: readonly string[]
  /** The checkpoints that were adopted before. The store may have dropped some of them since. */
  readonly known: readonly KnownCheckpoint[]
  /** The milliseconds until the first complete checkpoint that is not saved has been quiet long enough, if one is waiting. */
  readonly quietIn: number | undefined
  /** The failed saves that may succeed later, and the checkpoints that wait for one of them. */
  readonly failing: readonly Failing[]
  /** The folders in which a change matters. */
  readonly folders: readonly string[]
  /** The milliseconds that reading the folder took, without the saves. */
  readonly surveyTime: number
}

/** A checkpoint in the folder that was adopted before. */
export interface KnownCheckpoint {
  readonly name: string
  readonly step: number
}

export interface AdopterOptions extends AdoptionOptions {
  readonly order: TrainersOrder
  /** Whether to treat files that were modified long ago as finished, without watching them first. */
  readonly trustsAge: boolean
  /** Whether to reject with the first error that does not concern a single checkpoint. */
  readonly failsFast: boolean
  /** The disk on which consumed files are deleted. Default: the disk of this machine. */
  readonly disk?: Disk | undefined
}

/**
 * The state of the program that writes. After it has ended, no checkpoint changes, so no quiet period applies. If it
 * failed, it may have died during a write. A checkpoint is then adopted only if its format or trainer shows its end.
 */
export type WriterState = 'writing' | 'finished' | 'failed'

/** What a scan did with a checkpoint, or why the later ones wait for it. */
type ScanStep = 'adopted' | 'left' | { readonly known: number } | Hold

interface Queued {
  readonly checkpoint: Adoptable
  /** The milliseconds until it has been quiet long enough. */
  readonly quietIn: number
}

/** The longest time in milliseconds until an unreadable checkpoint is read again. Every scan tries to read it. */
const rereadIn = 60_000

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
  readonly #consumption: Consumption

  constructor(store: CheckpointStore, folder: string, options: AdopterOptions) {
    this.#store = store
    this.#options = options
    this.#quietPeriods = quietPeriodsOf(options)
    this.#clock = options.clock ?? systemClock
    this.#announcements = new Announcements(options.onEvent)
    this.#folder = new WatchedFolder(store, folder, options, this.#announcements)
    this.#consumption = new Consumption(store, this.#clock, this.#announcements, options, options.disk)
  }

  /** The name of the layout, once one is chosen or recognised. */
  get layout(): string | undefined {
    return this.#folder.layout
  }

  /**
   * Scans the folder, and adopts every complete checkpoint that has been quiet long enough, in order. A checkpoint waits for
   * the earlier ones, because the one that is saved last is the latest. `ranUntil` is the wall time in milliseconds at which a
   * program that failed was last known to run. What it had not modified for ten minutes then is complete.
   */
  async scan(writer: WriterState = 'writing', ranUntil = -Infinity): Promise<ScanReport> {
    const began = this.#clock.now()
    const found = await this.#recoveredSurvey()
    const surveyTime = this.#clock.now() - began
    this.#reportUnfinished(found)
    const queue = await this.#queueOf(found, writer, ranUntil)
    this.#forgetAbsent(found)
    const isAnyReady = queue.some(({ quietIn }) => quietIn === 0)
    const metricsFile = isAnyReady ? this.#options.metricsFile : undefined
    const metrics = this.#options.failsFast
      ? await readMetrics(metricsFile)
      : await readGrowingMetrics(metricsFile, this.#announcements)
    const adopted: string[] = []
    const known: KnownCheckpoint[] = []
    let hold: Hold | undefined
    for (const [index, { checkpoint, quietIn }] of queue.entries()) {
      throwIfAborted(this.#options.signal, 'Adopting checkpoints')
      const { candidate, snapshot } = checkpoint
      if (hold !== undefined) {
        if (checkpoint.state === 'complete')
          this.#outcomes.postpone(candidate.name, snapshot.fingerprint, hold)
        continue
      }
      // A checkpoint cannot be saved after a later one. So this one is due if a later one is ready.
      const isDue = this.#isDue(checkpoint) || queue.slice(index + 1).some((later) => this.#isReady(later))
      const outcome = quietIn > 0 ? this.#holdFor(quietIn) : await this.#treat(checkpoint, isDue, metrics)
      if (outcome === 'adopted') adopted.push(candidate.name)
      else if (outcome !== 'left' && 'known' in outcome)
        known.push({ name: candidate.name, step: outcome.known })
      else if (outcome !== 'left') hold = outcome
    }
    return {
      layout: found?.layout.name,
      adopted,
      known,
      quietIn: hold === undefined || hold.error !== undefined ? undefined : this.#timeUntil(hold.until),
      failing: await this.#failingIn(found, queue),
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

  /** Returns whether nothing in the folder matches the layout. */
  async isEmpty(): Promise<boolean> {
    const found = await this.#folder.survey()
    return found === undefined || found.inspections.length + found.unreadable.length === 0
  }

  /** Returns the checkpoint that was saved last, or from which the program continued since. */
  async lastAdopted(): Promise<AdoptedBytes | undefined> {
    return (await this.#folder.memory()).last
  }

  /** Records that the program continues from a checkpoint of the store. */
  async continueFrom(checkpoint: AdoptedBytes): Promise<void> {
    await this.#folder.continueFrom(checkpoint)
  }

  /** Lets the next scan try every failed save again, whatever the pause before its next attempt. */
  retryNow(): void {
    this.#outcomes.retryNow(this.#clock.now())
  }

  /** Forgets checkpoints that were removed from the folder, so that new ones with the same name are adopted. */
  async forget(names: readonly string[]): Promise<void> {
    for (const name of names) await this.#folder.forget(name)
  }

  /** Surveys the folder, again if checkpoints were put back that a killed process was deleting. */
  async #recoveredSurvey(): Promise<Survey | undefined> {
    const { path } = this.#folder
    const found = await this.#folder.survey()
    const hasPutBack = await this.#consumption.recover(path, found?.folders ?? [path])
    return hasPutBack ? this.#folder.survey() : found
  }

  /** Announces checkpoints that are incomplete or cannot be read. */
  #reportUnfinished(found: Survey | undefined): void {
    if (found === undefined) return
    for (const each of found.inspections) {
      if (each.state !== 'incomplete') continue
      this.#announcements.announceOnce({
        type: 'incomplete',
        name: each.candidate.name,
        missing: each.missing,
      })
    }
    for (const { candidate, error } of found.unreadable) {
      const { name } = candidate
      this.#outcomes.failToRead(name)
      this.#announcements.announceOnce({ type: 'failed', name, error, retryIn: rereadIn })
    }
  }

  /** Returns the checkpoints that are not settled, in order. */
  async #queueOf(
    found: Survey | undefined,
    writer: WriterState,
    ranUntil: number,
  ): Promise<readonly Queued[]> {
    if (found === undefined) return []
    const now = this.#clock.now()
    const memory = await this.#folder.memory()
    return eligible(found, memory, this.#options.order, this.#announcements)
      .filter(({ candidate, snapshot }) => !this.#outcomes.isSettled(candidate.name, snapshot.fingerprint))
      .filter((each) => each.state === 'adopted' || !isDoubtful(each, writer, ranUntil))
      .map((checkpoint) => {
        const isQuiet = checkpoint.state === 'adopted' || writer !== 'writing'
        return { checkpoint, quietIn: isQuiet ? 0 : this.#quietIn(checkpoint, now) }
      })
  }

  /** Forgets what happened to checkpoints that are no longer in the folder. */
  #forgetAbsent(found: Survey | undefined): void {
    if (found === undefined) return
    const present = new Set(
      [...found.inspections, ...found.unreadable].map(({ candidate }) => candidate.name),
    )
    this.#settling.keepOnly(present)
    this.#outcomes.keepOnly(present)
    this.#consumption.keepOnly(present)
  }

  /** Returns the failed saves of the checkpoints in the queue, and the checkpoints that cannot be read. */
  async #failingIn(found: Survey | undefined, queue: readonly Queued[]): Promise<readonly Failing[]> {
    const memory = await this.#folder.memory()
    const now = this.#clock.now()
    const saves = queue.flatMap(({ checkpoint }) => {
      const failure = this.#outcomes.failureOf(checkpoint.candidate.name, now)
      return failure === undefined ? [] : [{ ...failure, overtakenBy: overtakerOf(checkpoint, memory) }]
    })
    const reads = (found?.unreadable ?? []).map((each) => {
      const { candidate, error } = each
      return { name: candidate.name, error, retryIn: rereadIn, overtakenBy: overtakerOf(each, memory) }
    })
    return [...saves, ...reads]
  }

  /** Whether a complete checkpoint was never tried in its current state, or the pause after its failure is over. */
  #isDue({ candidate, snapshot }: Adoptable): boolean {
    return this.#outcomes.dueIn(candidate.name, snapshot.fingerprint, this.#clock.now()) === 0
  }

  #isReady({ checkpoint, quietIn }: Queued): boolean {
    return checkpoint.state === 'complete' && quietIn === 0 && this.#isDue(checkpoint)
  }

  #holdFor(milliseconds: number): Hold {
    return { until: this.#clock.now() + milliseconds, error: undefined }
  }

  #timeUntil(time: number): number {
    return Math.max(0, time - this.#clock.now())
  }

  /** Returns the milliseconds until a complete checkpoint has been quiet long enough. */
  #quietIn({ candidate, snapshot, reading }: WholeCheckpoint, now: number): number {
    const age = this.#clock.wallTime() - snapshot.modifiedAt
    if (this.#options.trustsAge && age > oldAge) return 0
    const { signalled, unsignalled } = this.#quietPeriods
    const period = reading.isSignalled ? signalled : unsignalled
    return Math.max(0, period - this.#settling.quietFor(candidate.name, snapshot.fingerprint, now))
  }

  /** A failed save does not stop later saves, unless it will succeed soon, or they would fail for the same reason. */
  async #treat(each: Adoptable, isDue: boolean, metrics: MetricsTable): Promise<ScanStep> {
    if (each.state === 'adopted') {
      await this.#consume(each, each.known)
      return { known: each.known.step }
    }
    const { name } = each.candidate
    const { fingerprint } = each.snapshot
    if (!isDue) return this.#outcomes.holdBy(name, fingerprint) ?? 'left'
    try {
      return await this.#adopt(each, metrics)
    } catch (error) {
      // INVALID_ARGUMENT and CORRUPT may concern one checkpoint only, and end once its files change.
      if (!isHoldfastError(error) || isFinal(error)) throw error
      if (this.#options.failsFast && !isHoldfastError(error, 'INVALID_ARGUMENT')) throw error
      const retryIn = this.#outcomes.fail(name, fingerprint, error, this.#clock.now())
      this.#announcements.announce({ type: 'failed', name, error, retryIn })
      return this.#outcomes.holdBy(name, fingerprint) ?? 'left'
    }
  }

  async #adopt(whole: Complete, metrics: MetricsTable): Promise<ScanStep> {
    const { name } = whole.candidate
    const { signal } = this.#options
    const memory = await this.#folder.memory()
    const decision = await decideFor(whole, { store: this.#store, memory, planned: new Map(), signal })
    switch (decision.do) {
      case 'pass over':
        return this.#passOver(whole, decision.reason)
      case 'remember':
        this.#outcomes.succeed(name)
        await this.#folder.remember(whole, decision, 'known')
        this.#announcements.announceOnce({
          type: 'known',
          name,
          step: decision.step,
          isListed: decision.isListed,
        })
        await this.#consume(whole, decision)
        return { known: decision.step }
      case 'save': {
        // A checkpoint that is saved after a failure becomes the latest. So it is passed over if a later one was saved. An import
        // saves older checkpoints, too.
        const mayBeLate = this.#outcomes.hasFailed(name) && !this.#options.failsFast
        const later = mayBeLate ? overtakerOf(whole, memory) : undefined
        if (later !== undefined) return this.#passOver(whole, `it could not be saved before ${later}`)
        return this.#save(whole, decision, metrics)
      }
    }
  }

  async #save(whole: Complete, decision: SaveDecision, metrics: MetricsTable): Promise<ScanStep> {
    const { name } = whole.candidate
    const layout = this.#folder.layout ?? 'auto'
    const ownMetrics = metrics.of(whole, decision.step, layout)
    const options = { ...this.#options, layout, metrics: ownMetrics }
    const saved = await saveWhole(this.#store, whole, decision, options)
    if (saved === undefined) {
      this.#announcements.announce({ type: 'changed', name })
      return this.#holdFor(this.#quietPeriods.signalled)
    }
    this.#outcomes.succeed(name)
    this.#announcements.announce({ type: 'adopted', name, saved })
    const { omitted } = whole.snapshot
    if (omitted.length > 0) this.#announcements.announce({ type: 'omitted', name, entries: omitted })
    const stored = { step: saved.step, digest: digestOfContents(saved.files) }
    await this.#folder.remember(whole, stored, 'saved')
    await this.#consume(whole, stored)
    return 'adopted'
  }

  #passOver(
    { candidate, snapshot }: Pick<WholeCheckpoint, 'candidate' | 'snapshot'>,
    reason: string,
  ): ScanStep {
    const { name } = candidate
    this.#outcomes.settle(name, snapshot.fingerprint)
    this.#announcements.announceOnce({ type: 'passedOver', name, reason })
    return 'left'
  }

  async #consume(
    each: Pick<WholeCheckpoint, 'candidate' | 'snapshot'>,
    adopted: AdoptedBytes,
  ): Promise<void> {
    if (await this.#consumption.consume(each, adopted))
      this.#outcomes.settle(each.candidate.name, each.snapshot.fingerprint)
  }
}

/** Whether the program may have failed while it wrote a checkpoint, and nothing shows that it had finished. */
function isDoubtful({ reading, snapshot }: WholeCheckpoint, writer: WriterState, ranUntil: number): boolean {
  return writer === 'failed' && !reading.isSignalled && ranUntil - snapshot.modifiedAt < oldAge
}
