import {
  decodeCatalog,
  type Catalog,
  type CatalogEntry,
  objectKey,
  termOfKey,
} from '../../../src/catalog/documents/index.ts'
import { decodeManifest, manifestKey } from '../../../src/catalog/documents/index.ts'
import { catalogVersionOf } from '../../../src/catalog/documents/index.ts'
import { unseal } from '../../../src/catalog/documents/sealed.ts'
import type { Disk } from '../disk.ts'

/** What a process writes into its file: who it is, and the steps on which its state is built. */
export interface Content {
  readonly process: string
  readonly rank: number
  /** The steps since the beginning, each with the process of rank 0 that saved it. */
  readonly lineage: string
}

export function bytesOf(content: Content): Buffer {
  return Buffer.from(JSON.stringify(content))
}

/** The UUID of a simulated process contains its name. */
const uuidPrefix = '00000000-0000-4000-8000-'

export function idsOf(process: string): () => string {
  const name = Buffer.from(process.padStart(3, ' ')).toString('hex')
  let ids = 0
  return () => {
    ids += 1
    return `${uuidPrefix}${name}${String(ids).padStart(6, '0')}`
  }
}

function processOf(uuid: string): string {
  return Buffer.from(uuid.slice(uuidPrefix.length, uuidPrefix.length + 6), 'hex')
    .toString()
    .trim()
}

/** Knows what the ranks of a job are promised, and checks it by what is on the disk. */
export class JobOracle {
  readonly #disk: Disk
  readonly #size: number
  #looked = -1
  #looks = 0
  /** When each part was first seen, by the count of looks, and who delivered it. */
  readonly #parts = new Map<
    string,
    { readonly at: number; readonly attempt: string; readonly rank: number; readonly term: number }
  >()
  /** When each attempt was first seen in the catalog. */
  readonly #listedAt = new Map<string, number>()
  #version = 0
  /** The processes of each term, by rank. */
  readonly #members = new Map<number, Map<number, string>>()
  /** The revision of each document of a term that has been read. */
  readonly #readRevisions = new Map<string, string>()
  /** What a term has chosen, once a restore has resolved. */
  readonly #chosen = new Map<number, string>()
  /** Every checkpoint that was ever listed: the contents of its files. */
  readonly #listed = new Map<string, readonly Content[]>()
  #truth: Catalog | undefined

  constructor(disk: Disk, size: number) {
    this.#disk = disk
    this.#size = size
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
    if (this.#disk.changes === this.#looked) return
    this.#looked = this.#disk.changes
    for (const key of this.#disk.keys('agreements/terms/')) {
      this.#lookAtMember(key)
      this.#lookAtPart(key)
    }
    for (const key of this.#disk.keys('catalog/')) {
      const version = catalogVersionOf(key)
      if (version === undefined || version <= this.#version) continue
      this.#version = version
      this.#truth = decodeCatalog(this.#read(key), version)
      for (const entry of this.#truth.checkpoints) this.#lookAtListed(entry, this.#truth)
    }
  }

  /** A restore of a process has resolved with the lineage of what it got, after it passed over other steps. */
  hearRestored(process: string, lineage: string, passedOver: readonly number[]): void {
    this.look()
    const term = this.#termOf(process)
    this.#checkFallback(term, lineage, passedOver)
    const chosen = this.#chosen.get(term)
    if (chosen !== undefined && chosen !== lineage)
      throw new Error(`R2: term ${term} continues from "${chosen}" and from "${lineage}"`)
    this.#chosen.set(term, lineage)
  }

  /** A save of a process has resolved. */
  hearSaved(step: number, content: Content): void {
    this.look()
    const isListed = [...this.#listed.values()].some((contents) =>
      contents.some((each) => JSON.stringify(each) === JSON.stringify(content)),
    )
    if (!isListed)
      throw new Error(`R3: the save of step ${step} by ${content.process} resolved, and it was never listed`)
  }

  /** A save was `INCOMPLETE`. `wokenAt` is the number of looks when its last poll began. */
  hearIncomplete(process: string, rank: number, wokenAt: number, message: string): void {
    this.look()
    const [, names, step] =
      /^Ranks? (.+) of \d+ did not deliver their part of step (\d+) /.exec(message) ?? []
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

  /** A fallback goes to the nearest checkpoint on which the passed one is built. */
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
      .flatMap(({ attempt }) => this.#lineageOf(attempt) ?? [])
    const nearer = passed.map((from) =>
      offered.find((each) => from.startsWith(`${each}>`) && each.length > lineage.length),
    )
    if (nearer.length > 0 && nearer.every((each) => each !== undefined))
      throw new Error(
        `R2: term ${term} goes back to "${lineage}" from step ${last}, and not to "${nearer[0]}"`,
      )
  }

  #lineageOf(attempt: string): string | undefined {
    return this.#listed.get(attempt)?.[0]?.lineage
  }

  #lookAtMember(key: string): void {
    const revision = this.#disk.stat(key)?.revision
    if (revision === undefined || this.#readRevisions.get(key) === revision) return
    this.#readRevisions.set(key, revision)
    const term = termOfKey(key)
    const rank = /\/members\/(\d+)\.json$/.exec(key)?.[1]
    if (term === undefined || rank === undefined) return
    const members = this.#members.get(term) ?? new Map<number, string>()
    const { proposal } = unseal('agreement', this.#read(key), key) as {
      readonly proposal: { readonly process: string }
    }
    members.set(Number(rank), processOf(proposal.process))
    this.#members.set(term, members)
  }

  #lookAtPart(key: string): void {
    if (this.#parts.has(key)) return
    const [, attempt, rank] = /\/parts\/([^/]+)\/(\d+)\.json$/.exec(key) ?? []
    const term = termOfKey(key)
    if (attempt === undefined || term === undefined) return
    this.#parts.set(key, { at: this.#looks, attempt, rank: Number(rank), term })
  }

  #lookAtListed(entry: CatalogEntry, { version }: Catalog): void {
    if (this.#listed.has(entry.attempt)) return
    const manifest = decodeManifest(this.#read(manifestKey(entry.attempt)), entry.attempt)
    const contents = manifest.files.map(({ object }) => {
      const bytes = this.#read(objectKey(entry.attempt, object))
      return JSON.parse(Buffer.from(bytes).toString()) as Content
    })
    this.#listed.set(entry.attempt, contents)
    this.#listedAt.set(entry.attempt, this.#looks)
    const what = `step ${entry.step} in version ${version}`
    if (contents.length !== this.#size)
      throw new Error(`R1: ${what} has ${contents.length} files, and the job has ${this.#size} ranks`)
    const lineages = new Set(contents.map(({ lineage }) => lineage))
    if (lineages.size > 1) throw new Error(`R1: ${what} mixes ${[...lineages].join(' and ')}`)
    const terms = [...this.#members].filter(([, members]) =>
      contents.every(({ rank, process }) => members.get(rank) === process),
    )
    if (terms.length === 0) throw new Error(`R1: ${what} has parts of processes that were never in one term`)
    const newest = Math.max(0, ...this.#chosen.keys())
    if (Math.max(...terms.map(([term]) => term)) < newest)
      throw new Error(`R4: ${what} is added by an older term than ${newest}, which has chosen`)
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
