import {
  type AttemptId,
  decodeCatalog,
  type Catalog,
  type CatalogEntry,
  objectKey,
  partsOfAttempt,
  termOfKey,
} from '../../../src/catalog/documents/index.ts'
import { decodeManifest, manifestKey } from '../../../src/catalog/documents/index.ts'
import { catalogVersionOf } from '../../../src/catalog/documents/index.ts'
import { unseal } from '../../../src/catalog/documents/sealed.ts'
import type { Disk } from '../disk.ts'
import { type Content, processOf } from './content.ts'
import { refuseWrongPrune } from './pruned.ts'

/** What a process got from a restore. */
export interface Resumed {
  /** 0 if there was no checkpoint. */
  readonly step: number
  readonly lineage: string
  /** The steps that the restore passed over. */
  readonly passedOver: readonly number[]
}

/** A part of an attempt. */
interface SeenPart {
  /** The count of looks when it was first seen. */
  readonly at: number
  readonly attempt: string
  readonly rank: number
  readonly term: number
}

/** Knows what the ranks of a job are promised, and checks it by what is on the disk. */
export class JobOracle {
  readonly #disk: Disk
  readonly #size: number
  /** The ranks whose checkpoints have no file of theirs. */
  readonly #withoutFiles: ReadonlySet<number>
  #written = 0
  #looks = 0
  readonly #parts = new Map<string, SeenPart>()
  /** When each attempt was first seen in the catalog. */
  readonly #listedAt = new Map<string, number>()
  /** The processes of each term, by rank. */
  readonly #members = new Map<number, Map<number, string>>()
  /** How many checkpoints each process keeps; `undefined` if all. */
  readonly #keepLast = new Map<string, number | undefined>()
  /** The saves that each process has begun, as `process step`. */
  readonly #begun = new Set<string>()
  /** The saves that have failed and have not been called again, as `process step`. */
  readonly #failing = new Set<string>()
  /** Pairs of saves of which the earlier one was failing while the later one was under way, as `process step>step`. */
  readonly #apart = new Set<string>()
  /** What a term has chosen, once a restore has resolved. */
  readonly #chosen = new Map<number, string>()
  /** The step to which a term has gone back, once a rewind has resolved. */
  readonly #rewound = new Map<number, number>()
  /** Every checkpoint that was ever listed: the contents of its files. */
  readonly #listed = new Map<AttemptId, readonly Content[]>()
  #truth: Catalog | undefined

  constructor(disk: Disk, size: number, withoutFiles: ReadonlySet<number>) {
    this.#disk = disk
    this.#size = size
    this.#withoutFiles = withoutFiles
  }

  get truth(): Catalog | undefined {
    return this.#truth
  }

  /** How often the oracle has looked at the disk. */
  get looks(): number {
    return this.#looks
  }

  /** Looks at what has changed on the disk. */
  look(): void {
    this.#looks += 1
    for (const key of this.#disk.writtenAfter(this.#written)) {
      this.#written += 1
      if (key.startsWith('catalog/')) this.#lookAtCatalog(key)
      else if (key.startsWith('agreements/terms/')) this.#lookAtAgreement(key)
    }
  }

  /** A process has started. */
  hearStarted(process: string, keepLast: number | undefined): void {
    this.#keepLast.set(process, keepLast)
  }

  /** A restore of a process has resolved. */
  hearRestored(process: string, { step, lineage, passedOver }: Resumed): void {
    this.look()
    const term = this.#termOf(process)
    this.#checkFallback(term, lineage, passedOver)
    const chosen = this.#chosen.get(term)
    if (chosen !== undefined && chosen !== lineage)
      throw new Error(`R2: term ${term} continues from "${chosen}" and from "${lineage}"`)
    const rewound = this.#rewound.get(term)
    if (rewound !== undefined && passedOver.length === 0 && rewound !== step)
      throw new Error(`R2: term ${term} went back to step ${rewound}, and continues from step ${step}`)
    this.#chosen.set(term, lineage)
  }

  /** A rewind of a process has resolved. */
  hearRewound(process: string, step: number): void {
    this.look()
    const term = this.#termOf(process)
    const other = this.#rewound.get(term) ?? step
    if (other !== step) throw new Error(`R2: term ${term} goes back to step ${other} and to step ${step}`)
    this.#rewound.set(term, step)
  }

  /** A process begins to save a step. */
  hearSaving(process: string, step: number): void {
    this.#begun.add(`${process} ${step}`)
    this.#failing.delete(`${process} ${step}`)
    for (const earlier of stepsOf(this.#failing, process))
      if (earlier < step) this.#apart.add(`${process} ${earlier}>${step}`)
  }

  /** A save has resolved. `content` is `undefined` for a rank without files. */
  hearSaved(process: string, step: number, content: Content | undefined): void {
    this.look()
    this.#failing.delete(`${process} ${step}`)
    const saved = JSON.stringify(content)
    const isListed = [...this.#listed].some(([attempt, contents]) =>
      content === undefined
        ? partsOfAttempt(attempt).step === step
        : contents.some((each) => JSON.stringify(each) === saved),
    )
    if (!isListed)
      throw new Error(
        `R3: a save of step ${step} resolved, and it was never listed: ${content?.lineage ?? 'no files'}`,
      )
  }

  /** A save has failed. Until it succeeds or is called again, no later save continues from it. */
  hearFailed(process: string, step: number): void {
    this.#failing.add(`${process} ${step}`)
    for (const later of stepsOf(this.#begun, process))
      if (later > step) this.#apart.add(`${process} ${step}>${later}`)
  }

  /** A save was `INCOMPLETE`. `wokenAt` is the number of looks when its last poll began. */
  hearIncomplete(process: string, rank: number, wokenAt: number, message: string): void {
    this.look()
    const [, names, step] =
      /^Ranks? (.+) of \d+ did not deliver (?:its|their) part of step (\d+) /.exec(message) ?? []
    if (names === undefined) return
    const named = new Set(names.match(/\d+/g)?.map(Number))
    const term = this.#termOf(process)
    const ofStep = [...this.#parts.values()].filter(
      (part) => part.term === term && part.attempt.startsWith(`${step}-`),
    )
    const own = ofStep.findLast((part) => part.rank === rank)
    if (own === undefined)
      throw new Error(`R5: ${process} waits for ranks ${names} without a part of its own`)
    const { attempt } = own
    for (let each = 0; each < this.#size; each += 1) {
      const part = ofStep.find((known) => known.attempt === attempt && known.rank === each)
      if (named.has(each) && part !== undefined && part.at <= wokenAt)
        throw new Error(`R5: ${process} waits for rank ${each}, which has delivered its part of ${attempt}`)
      if (!named.has(each) && part === undefined)
        throw new Error(
          `R5: ${process} does not name rank ${each}, which has not delivered its part of ${attempt}`,
        )
    }
    if ((this.#listedAt.get(attempt) ?? Infinity) <= wokenAt)
      throw new Error(`R5: ${process} waits for ranks ${names}, and ${attempt} is committed`)
  }

  /**
   * A fallback goes to the nearest checkpoint on which the passed one is built. It may pass over one whose save was failing while
   * the next one was under way.
   */
  #checkFallback(term: number, lineage: string, passedOver: readonly number[]): void {
    const last = passedOver.at(-1)
    if (last === undefined || this.#truth === undefined) return
    const { checkpoints, quarantined, abandoned = [] } = this.#truth
    const passed = [...quarantined.map(({ entry }) => entry), ...abandoned]
      .filter(({ step }) => step === last)
      .flatMap(({ attempt }) => this.#lineageOf(attempt) ?? [])
    const members = new Set(this.#members.get(term)?.values())
    const offered = checkpoints
      .filter(({ attempt }) => !this.#listed.get(attempt)?.some(({ process }) => members.has(process)))
      .filter(({ step }) => !passedOver.includes(step))
    const nearer = passed.map((from) =>
      offered
        .filter(({ attempt }) => !this.#isApart(attempt, from))
        .flatMap(({ attempt }) => this.#lineageOf(attempt) ?? [])
        .find((each) => from.startsWith(`${each}>`) && each.length > lineage.length),
    )
    if (nearer.length > 0 && nearer.every((each) => each !== undefined))
      throw new Error(
        `R2: term ${term} goes back to "${lineage}" from step ${last}, and not to "${nearer[0]}"`,
      )
  }

  /** Whether the save of an attempt was failing for a rank while the next step of a lineage was under way. */
  #isApart(attempt: AttemptId, lineage: string): boolean {
    const { step } = partsOfAttempt(attempt)
    const next = lineage
      .split('>')
      .map(Number)
      .find((each) => each > step)
    return this.#termsOf(this.#listed.get(attempt) ?? []).some(([, members]) =>
      [...members.values()].some((process) => this.#apart.has(`${process} ${step}>${next}`)),
    )
  }

  /** The terms in which the processes that wrote some files were members. */
  #termsOf(contents: readonly Content[]): readonly (readonly [number, ReadonlyMap<number, string>])[] {
    return [...this.#members].filter(([, members]) =>
      contents.every(({ rank, process }) => members.get(rank) === process),
    )
  }

  #lineageOf(attempt: AttemptId): string | undefined {
    return this.#listed.get(attempt)?.[0]?.lineage
  }

  #lookAtCatalog(key: string): void {
    const version = catalogVersionOf(key)
    const before = this.#truth
    if (version === undefined || version <= (before?.version ?? 0)) return
    const catalog = decodeCatalog(this.#read(key), version)
    this.#truth = catalog
    for (const entry of catalog.checkpoints) this.#lookAtListed(entry, catalog)
    const members = this.#members.get(catalog.term ?? 0)?.values() ?? []
    refuseWrongPrune(
      before,
      catalog,
      [...members].map((process) => this.#keepLast.get(process)),
    )
  }

  #lookAtAgreement(key: string): void {
    const term = termOfKey(key)
    const [, rank] = /\/members\/(\d+)\.json$/.exec(key) ?? []
    const [, attempt, ofRank] = /\/parts\/([^/]+)\/(\d+)\.json$/.exec(key) ?? []
    if (term === undefined) return
    if (attempt !== undefined && !this.#parts.has(key))
      this.#parts.set(key, { at: this.#looks, attempt, rank: Number(ofRank), term })
    if (rank === undefined) return
    const { proposal } = unseal('agreement', this.#read(key), key) as {
      readonly proposal: { readonly process: string }
    }
    const members = this.#members.get(term) ?? new Map<number, string>()
    // A process that slept may write its agreement again after a sweep. It does not become a member.
    if (!members.has(Number(rank))) members.set(Number(rank), processOf(proposal.process))
    this.#members.set(term, members)
  }

  #lookAtListed(entry: CatalogEntry, { version }: Catalog): void {
    if (this.#listed.has(entry.attempt)) return
    const manifest = decodeManifest(this.#read(manifestKey(entry.attempt)), entry.attempt)
    const contents = manifest.files
      .filter(({ name }) => name.endsWith('.bin'))
      .map(({ object, offset = 0, size }) => {
        const bytes = this.#read(objectKey(entry.attempt, object)).subarray(offset, offset + size)
        return JSON.parse(Buffer.from(bytes).toString()) as Content
      })
    this.#listed.set(entry.attempt, contents)
    this.#listedAt.set(entry.attempt, this.#looks)
    const what = `step ${entry.step} in version ${version}`
    const expected = this.#size - this.#withoutFiles.size
    if (contents.length !== expected)
      throw new Error(`R1: ${what} has ${contents.length} files, and ${expected} ranks have one`)
    const lineages = new Set(contents.map(({ lineage }) => lineage))
    if (lineages.size > 1) throw new Error(`R1: ${what} mixes ${[...lineages].join(' and ')}`)
    const terms = this.#termsOf(contents)
    if (terms.length === 0) throw new Error(`R1: ${what} has parts of processes that were never in one term`)
    if (!terms.some(([, members]) => this.#haveAllBegun(members, entry.step)))
      throw new Error(`R1: ${what} is listed, and a rank without files has not saved it yet`)
    const newest = Math.max(0, ...this.#chosen.keys())
    if (Math.max(...terms.map(([term]) => term)) < newest)
      throw new Error(`R4: ${what} is added by an older term than ${newest}, which has chosen`)
  }

  /** Whether all ranks without files have begun to save a step. */
  #haveAllBegun(members: ReadonlyMap<number, string>, step: number): boolean {
    return [...this.#withoutFiles].every((rank) => this.#begun.has(`${members.get(rank) ?? ''} ${step}`))
  }

  #termOf(process: string): number {
    const terms = [...this.#members].filter(([, members]) => [...members.values()].includes(process))
    return Math.max(0, ...terms.map(([term]) => term))
  }

  #read(key: string): Uint8Array {
    const bytes = this.#disk.written(key)
    if (bytes === undefined) throw new Error(`P1: ${key} is listed, and it is not on the disk`)
    return bytes
  }
}

/** The steps that a process has in a set of `process step`. */
function stepsOf(saves: ReadonlySet<string>, process: string): readonly number[] {
  return [...saves]
    .filter((save) => save.startsWith(`${process} `))
    .map((save) => Number(save.slice(process.length)))
}
