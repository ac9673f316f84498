import { readFile } from 'node:fs/promises'
import { type CheckpointStore, HoldfastError, isHoldfastError, type SaveResult } from '@holdfast/core'
import { fromNodeError, throwIfAborted } from '@holdfast/core/backend'
import { systemClock, type WatchClock } from '../clock.ts'
import type { WatchEvent } from '../events.ts'
import { digestOfContents, digestOfFiles } from '../folder/content-digest.ts'
import { takeSnapshot } from '../folder/snapshot.ts'
import { type MetricsTable, parseMetricsCsv } from '../formats/csv.ts'
import type { Layout } from '../layouts/index.ts'
import { MemoryFile } from '../memory/memory-file.ts'
import { type Memory } from '../memory/memory.ts'
import { type AdoptionOptions, chosenLayout } from '../options.ts'
import { Attempts } from './attempts.ts'
import { consume } from './consume.ts'
import { type Decision, decide, type Facts, type Origin } from './decide.ts'
import { detect, isSure, survey, type Survey } from './detect.ts'
import { type Inspection, markerOf, type WholeCheckpoint } from './inspect.ts'
import { inOrder, type TrainersOrder } from './order.ts'
import { Settling } from './settling.ts'
import { mayEqual, storedAt, type StoredCheckpoint } from './stored.ts'

export interface ScanReport {
  /** The name of the layout; `undefined` if the folder has nothing that one of them knows. */
  readonly layout: string | undefined
  /** Names of checkpoints that this scan committed, in that order. */
  readonly adopted: readonly string[]
  /** Milliseconds after which the next complete checkpoint has been quiet for long enough, if one is waiting. */
  readonly quietIn: number | undefined
  /** Saves that have failed and may succeed later. */
  readonly failing: readonly {
    readonly name: string
    readonly error: HoldfastError
    readonly retryIn: number
  }[]
  /** Folders whose changes matter. */
  readonly folders: readonly string[]
}

/** A checkpoint, and what an adoption would do with it. */
export interface PlannedCheckpoint {
  readonly name: string
  readonly bytes: number
  readonly epoch: number | undefined
  readonly metrics: Readonly<Record<string, number>>
  readonly decision: Decision
}

type Adoptable = Extract<Inspection, { readonly state: 'complete' | 'adopted' }>

type Outcome = 'adopted' | 'changed' | 'left'

export interface AdopterOptions extends AdoptionOptions {
  readonly order: TrainersOrder
  /** Take files that were modified long ago as finished, without watching them. */
  readonly trustsAge: boolean
  /** Reject with the first error that is not about a single checkpoint. */
  readonly failsFast: boolean
}

const defaultQuietPeriod = 2_000
/** Longer than clocks of one network differ. */
const oldAge = 10 * 60_000

const nothing = { adopted: [], quietIn: undefined, failing: [] }

const noMetrics: MetricsTable = { bySteps: new Map(), byNames: new Map() }

/** Adopts the checkpoints of one folder into one store: scan by scan, and in each one checkpoint after the other. */
export class Adopter {
  readonly #store: CheckpointStore
  readonly #folder: string
  readonly #options: AdopterOptions
  readonly #clock: WatchClock
  readonly #memoryFile: MemoryFile
  readonly #settling = new Settling()
  readonly #attempts = new Attempts()
  /** The last event about each checkpoint that stands still: it is reported once. */
  readonly #reported = new Map<string, string>()
  #memory: Memory | undefined
  #layout: Layout | undefined

  constructor(store: CheckpointStore, folder: string, options: AdopterOptions) {
    this.#store = store
    this.#folder = folder
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#memoryFile = new MemoryFile(store, folder)
    this.#layout = chosenLayout(options.layout)
    if (this.#layout !== undefined) this.#tellLayout(this.#layout)
  }

  /** The name of the layout, once one is chosen or recognised. */
  get layout(): string | undefined {
    return this.#layout?.name
  }

  /** Looks at the folder, and adopts everything that is complete and has been quiet for long enough. */
  async scan(): Promise<ScanReport> {
    const memory = await this.#remembered()
    const found = await this.#survey(memory)
    if (found === undefined) return { layout: undefined, ...nothing, folders: [this.#folder] }
    const { ready, quietIn } = this.#readyOf(found)
    const metrics = ready.length === 0 ? noMetrics : await this.#metrics()
    const adopted: string[] = []
    const waits = quietIn === undefined ? [] : [quietIn]
    for (const each of ready) {
      throwIfAborted(this.#options.signal, 'Adopting checkpoints')
      const outcome = await this.#treat(each, memory, metrics)
      if (outcome === 'adopted') adopted.push(each.candidate.name)
      if (outcome === 'changed') waits.push(this.#options.quietPeriod ?? defaultQuietPeriod)
    }
    memory.prune(new Set(found.inspections.map(({ candidate }) => candidate.name)))
    return {
      layout: found.layout.name,
      adopted,
      quietIn: waits.length === 0 ? undefined : Math.min(...waits),
      failing: this.#attempts.failing(this.#clock.now()),
      folders: found.folders,
    }
  }

  /** What a scan would do with every complete checkpoint, however long it has been quiet. Changes nothing. */
  async plan(): Promise<readonly PlannedCheckpoint[]> {
    const memory = await this.#remembered()
    const found = await this.#survey(memory)
    if (found === undefined) return []
    const metrics = await this.#metrics()
    const planned = new Map<number, StoredCheckpoint>()
    const plans: PlannedCheckpoint[] = []
    for (const each of this.#eligible(found)) {
      const { candidate, snapshot } = each
      const facts = { name: candidate.name, bytes: snapshot.bytes }
      if (each.state === 'adopted') {
        const { step, digest } = each.known
        plans.push({ ...facts, epoch: undefined, metrics: {}, decision: { do: 'remember', step, digest } })
        continue
      }
      const decision = await this.#decide(each, memory, planned)
      if (decision.do === 'save') planned.set(decision.step, plannedCheckpoint(decision.step, each))
      const step = decision.do === 'pass over' ? each.reading.step : decision.step
      plans.push({
        ...facts,
        epoch: each.reading.epoch,
        metrics: metricsOf(each, step, metrics),
        decision,
      })
    }
    return plans
  }

  async #remembered(): Promise<Memory> {
    this.#memory ??= await this.#memoryFile.read(this.#options.signal)
    return this.#memory
  }

  async #survey(memory: Memory): Promise<Survey | undefined> {
    if (this.#layout !== undefined) return survey(this.#folder, this.#layout, memory)
    const found = await detect(this.#folder, memory)
    if (found !== undefined && isSure(found)) {
      this.#layout = found.layout
      this.#tellLayout(found.layout)
    }
    return found
  }

  /** Complete checkpoints in the trainer's order, without those that only repeat a numbered one. */
  #eligible({ inspections }: Survey): readonly Adoptable[] {
    const adoptable = inspections.filter((each) => each.state === 'complete' || each.state === 'adopted')
    const hasNumbers = adoptable.some(isNumbered)
    const eligible = adoptable.filter((each) => {
      if (!hasNumbers || isNumbered(each)) return true
      const reason = 'its name has no number, and those of others have one: it repeats one of them'
      this.#tellOnce({ type: 'passedOver', name: each.candidate.name, reason })
      return false
    })
    return inOrder(eligible, this.#options.order)
  }

  /** Those of them that may be adopted now, and when the next one may. */
  #readyOf(found: Survey): {
    readonly ready: readonly Adoptable[]
    readonly quietIn: number | undefined
  } {
    const now = this.#clock.now()
    const waits: number[] = []
    for (const each of found.inspections) {
      if (each.state === 'incomplete')
        this.#tellOnce({ type: 'incomplete', name: each.candidate.name, missing: each.missing })
    }
    const ready = this.#eligible(found).filter((each) => {
      const { name } = each.candidate
      const { fingerprint } = each.snapshot
      if (this.#attempts.isSettled(name, fingerprint)) return false
      const wait = each.state === 'adopted' ? 0 : this.#quietIn(each, now)
      if (wait > 0) waits.push(wait)
      return wait === 0 && this.#attempts.dueIn(name, fingerprint, now) === 0
    })
    const present = new Set(found.inspections.map(({ candidate }) => candidate.name))
    this.#settling.keepOnly(present)
    this.#attempts.keepOnly(present)
    return { ready, quietIn: waits.length === 0 ? undefined : Math.min(...waits) }
  }

  /** Milliseconds until a complete checkpoint has been quiet for long enough. */
  #quietIn({ candidate, snapshot, reading }: WholeCheckpoint, now: number): number {
    const { quietPeriod = defaultQuietPeriod, longQuietPeriod = 30_000, trustsAge } = this.#options
    if (trustsAge && this.#clock.wallTime() - snapshot.modifiedAt > oldAge) return 0
    const period = reading.isSignalled ? quietPeriod : Math.max(quietPeriod, longQuietPeriod)
    return Math.max(0, period - this.#settling.quietFor(candidate.name, snapshot.fingerprint, now))
  }

  async #treat(each: Adoptable, memory: Memory, metrics: MetricsTable): Promise<Outcome> {
    const { name } = each.candidate
    try {
      if (each.state === 'adopted') {
        await this.#consumeIfStored(each, each.known.step, each.known.digest)
        this.#attempts.settle(name, each.snapshot.fingerprint)
        return 'left'
      }
      return await this.#adopt(each, memory, metrics)
    } catch (error) {
      if (!isHoldfastError(error) || isHoldfastError(error, 'FENCED', 'ABORTED')) throw error
      // Of other errors the store is the reason, and the next checkpoint would meet it, too.
      if (this.#options.failsFast && !isHoldfastError(error, 'INVALID_ARGUMENT')) throw error
      const retryIn = this.#attempts.fail(name, each.snapshot.fingerprint, error, this.#clock.now())
      this.#tell({ type: 'failed', name, error, retryIn })
      return 'left'
    }
  }

  async #adopt(whole: WholeCheckpoint, memory: Memory, metrics: MetricsTable): Promise<Outcome> {
    const { candidate, snapshot } = whole
    const { name } = candidate
    const decision = await this.#decide(whole, memory, new Map())
    switch (decision.do) {
      case 'pass over':
        this.#attempts.settle(name, snapshot.fingerprint)
        this.#tellOnce({ type: 'passedOver', name, reason: decision.reason })
        return 'left'
      case 'remember':
        await this.#remember(whole, memory, decision)
        this.#tellOnce({ type: 'known', name, step: decision.step })
        await this.#consumeIfStored(whole, decision.step, decision.digest)
        return 'left'
      case 'save': {
        const saved = await this.#save(whole, decision, metrics)
        if (saved === undefined) return 'changed'
        const digest = digestOfContents(saved.files)
        this.#reported.delete(name)
        this.#attempts.succeed(name)
        this.#tell({ type: 'adopted', name, saved })
        await this.#remember(whole, memory, { step: saved.step, digest })
        await this.#consumeIfStored(whole, saved.step, digest)
        return 'adopted'
      }
    }
  }

  async #decide(
    whole: WholeCheckpoint,
    memory: Memory,
    planned: ReadonlyMap<number, StoredCheckpoint>,
  ): Promise<Decision> {
    const { candidate, snapshot, reading } = whole
    const { signal } = this.#options
    const known = memory.get(candidate.name)
    const step = reading.step ?? (await this.#nextStep(memory, planned))
    const stored = planned.get(step) ?? (await storedAt(this.#store, reading.step ?? 'latest', signal))
    const mayBeKnown =
      known !== undefined ||
      memory.all.some((entry) => entry.step === step) ||
      (stored !== undefined && mayEqual(snapshot, stored))
    const digest = mayBeKnown ? await digestOfFiles(snapshot, signal) : undefined
    const isRepeated = stored !== undefined && stored.digest === digest
    const facts: Facts = {
      step: isRepeated ? stored.step : step,
      digest,
      known,
      wasAdoptedElsewhere: digest !== undefined && memory.has(step, digest),
      // A checkpoint without a number of its own never replaces one.
      existing: reading.step !== undefined || isRepeated ? stored : undefined,
    }
    return decide(whole, facts)
  }

  /** The step of a checkpoint without a number: one more than the highest that the store has or had. */
  async #nextStep(memory: Memory, planned: ReadonlyMap<number, StoredCheckpoint>): Promise<number> {
    const listed = await this.#store.list({ signal: this.#options.signal })
    const steps = [
      ...listed.map(({ step }) => step),
      ...memory.all.map(({ step }) => step),
      ...planned.keys(),
    ]
    return steps.reduce((highest, step) => Math.max(highest, step), 0) + 1
  }

  /** `undefined` if the files changed while they were saved. */
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
        metadata: { watch: { ...this.#originOf(whole) } },
        tags,
        onExisting,
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
      this.#tell({ type: 'changed', name })
      return undefined
    }
  }

  #originOf({ candidate, snapshot }: WholeCheckpoint): Origin {
    return {
      name: candidate.name,
      layout: this.#layoutName(),
      modifiedAt: new Date(snapshot.modifiedAt).toISOString(),
    }
  }

  async #remember(
    { candidate, snapshot, reading }: WholeCheckpoint,
    memory: Memory,
    { step, digest }: { readonly step: number; readonly digest: string },
  ): Promise<void> {
    const { fingerprint } = snapshot
    const marker = markerOf(snapshot, reading)
    const facts = { step, layout: this.#layoutName(), isNumbered: reading.step !== undefined, digest }
    const adopted = { name: candidate.name, ...facts, fingerprint, marker }
    memory.add(adopted)
    const isKept = await this.#memoryFile.add(adopted, this.#options.signal)
    if (!isKept) this.#tellOnce({ type: 'forgetful', folder: this.#folder })
  }

  /** Deletes the trainer's files, but only while the store lists the same bytes. */
  async #consumeIfStored(
    { candidate, snapshot }: Pick<WholeCheckpoint, 'candidate' | 'snapshot'>,
    step: number,
    digest: string,
  ): Promise<void> {
    if (this.#options.consume !== true) return
    const stored = await storedAt(this.#store, step, this.#options.signal)
    if (stored?.digest !== digest) return
    if (await consume(candidate, snapshot)) this.#tell({ type: 'consumed', name: candidate.name })
  }

  /** Whatever is adopted is complete, and a layout that has found that is chosen. */
  #layoutName(): string {
    return this.#layout?.name ?? 'auto'
  }

  async #metrics(): Promise<MetricsTable> {
    const { metricsFile } = this.#options
    if (metricsFile === undefined) return noMetrics
    try {
      return parseMetricsCsv(await readFile(metricsFile, 'utf8'), metricsFile)
    } catch (error) {
      throw error instanceof HoldfastError ? error : fromNodeError(error, `reading ${metricsFile}`)
    }
  }

  #tellLayout({ name, title }: Layout): void {
    this.#tell({ type: 'layout', layout: name, title })
  }

  #tell(event: WatchEvent): void {
    this.#options.onEvent?.(event)
  }

  #tellOnce(event: WatchEvent): void {
    const about = 'name' in event ? event.name : event.type
    const text = JSON.stringify(event)
    if (this.#reported.get(about) === text) return
    this.#reported.set(about, text)
    this.#tell(event)
  }
}

function isNumbered(each: Adoptable): boolean {
  return each.state === 'adopted' ? each.known.isNumbered : each.reading.step !== undefined
}

function metricsOf(
  { candidate, reading }: WholeCheckpoint,
  step: number | undefined,
  { bySteps, byNames }: MetricsTable,
): Readonly<Record<string, number>> {
  const ofStep = step === undefined ? undefined : bySteps.get(step)
  return { ...reading.metrics, ...ofStep, ...byNames.get(candidate.name) }
}

/** In a plan, what the save before would have stored. No bytes are known to equal it. */
function plannedCheckpoint(step: number, { candidate, snapshot }: WholeCheckpoint): StoredCheckpoint {
  const modifiedAt = new Date(snapshot.modifiedAt).toISOString()
  return { step, digest: '', origin: { name: candidate.name, modifiedAt }, sizes: new Map() }
}

function changed(path: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `${path} changed while it was being saved. Nothing was saved. It is saved once its writer has finished.`,
  )
}
