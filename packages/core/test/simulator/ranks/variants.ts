import {
  type Agreement,
  agreementKey,
  agreementName,
  type AttemptId,
  type Catalog,
  decodeAgreement,
  decodeCatalog,
  encodeAgreement,
  encodeCatalog,
  newAgreement,
  termOfKey,
} from '../../../src/catalog/documents/index.ts'
import { openName, ofRank, membersPrefix, termOfName } from '../../../src/store/ranks/names.ts'
import type { Meddling } from '../backend.ts'
import type { Disk } from '../disk.ts'
import { processOf } from './content.ts'
import { staleCommand } from './rank-process.ts'

interface Meddled {
  readonly disk: Disk
  /** The process whose view of the disk is changed. */
  readonly process: string
  readonly withoutFiles: ReadonlySet<number>
}

/** Breaks one rule of the ranks, between the store and the disk. */
export type Variant = (meddled: Meddled) => Meddling

/** The oracle must detect each of them. */
export const brokenVariants: Readonly<Record<string, Variant>> = {
  'commands that do not see that their start is over': ({ disk, process }) =>
    process === memberOf(process) ? keepingOldTerms(disk) : blindToLaterTerms(disk, process),
  'a part that another rank writes for a rank without files': ({ disk, withoutFiles }) => ({
    beforeCommit: (bytes) => {
      for (const rank of withoutFiles) writePartFor(rank, bytes, disk)
      return bytes
    },
  }),
  'a save that continues only from a listed checkpoint': ({ disk }) => ({
    beforeCommit: (bytes) => continuingFromListed(bytes, disk),
  }),
  'a rewind that changes nothing': ({ disk }) => ({
    beforeCommit: (bytes) => {
      const [catalog, before] = [catalogIn(bytes), newestOn(disk)]
      if (catalog?.history.at(-1)?.did.startsWith('rewind') !== true || before === undefined) return bytes
      const { checkpoints, abandoned } = before
      return encodeCatalog({ ...catalog, checkpoints, abandoned })
    },
  }),
  'a prune that drops one checkpoint more than the retention does': () => ({
    beforeCommit: (bytes) => {
      const catalog = catalogIn(bytes)
      if (catalog?.history.at(-1)?.did !== 'prune') return bytes
      return encodeCatalog({ ...catalog, checkpoints: catalog.checkpoints.slice(1) })
    },
  }),
}

/** Whether a process wrote an agreement, by itself or by its command. */
function isOf(disk: Disk, key: string, process: string): boolean {
  const agreement = agreementIn(disk.get(key))
  const { process: uuid = '' } = (agreement?.proposal ?? {}) as { readonly process?: string }
  return processOf(uuid) === memberOf(process)
}

/** The start of a rank for which a process acts. */
function memberOf(process: string): string {
  return process.replace(staleCommand, '').replace(/\..*$/, '')
}

/** Shows a process its own term as the newest, and as the owner of the store. */
function blindToLaterTerms(disk: Disk, process: string): Meddling {
  let known = 0
  const ownTerm = (): number => {
    if (known > 0) return known
    const keys = disk.keys('agreements/terms/').filter((key) => key.includes('/members/'))
    known = Math.max(0, ...keys.filter((key) => isOf(disk, key, process)).map((key) => termOfKey(key) ?? 0))
    return known
  }
  return {
    lists: (key) => !key.startsWith('agreements/starts/') && (termOfKey(key) ?? 0) <= ownTerm(),
    onReadCatalog: (bytes) => {
      const catalog = catalogIn(bytes)
      const open = agreementIn(disk.get(agreementKey(openName(ownTerm()))))
      if (catalog?.owner == null || open === undefined) return bytes
      return encodeCatalog({ ...catalog, owner: { ...catalog.owner, id: open.id }, term: ownTerm() })
    },
  }
}

/** Hides the agreements of older terms, which only a sweep looks for. */
function keepingOldTerms(disk: Disk): Meddling {
  return {
    lists: (key) => {
      const term = termOfKey(key)
      return term === undefined || term === termOfKey(disk.keys('agreements/terms/').at(-1) ?? '')
    },
  }
}

/** If the document is a part of a rank, writes that of a rank without files as well. */
function writePartFor(rank: number, bytes: Uint8Array, disk: Disk): void {
  const part = agreementIn(bytes)
  const [, prefix] = /^(terms\/.*\/parts\/.*\/)\d+$/.exec(part?.name ?? '') ?? []
  if (part === undefined || prefix === undefined) return
  const member = agreementIn(disk.get(agreementKey(ofRank(membersPrefix(termOfName(part.name)), rank))))
  const name = ofRank(prefix, rank)
  if (member === undefined || disk.get(agreementKey(name)) !== undefined) return
  const { process } = member.proposal as { readonly process: string }
  const proposal = { ...(part.proposal as object), process, files: [] }
  disk.set(agreementKey(name), encodeAgreement(newAgreement(name, part.id, proposal)), 0)
}

/** If the document proposes an attempt, lets it continue from a listed checkpoint. */
function continuingFromListed(bytes: Uint8Array, disk: Disk): Uint8Array {
  const agreement = agreementIn(bytes)
  if (!agreement?.name.includes('/attempts/')) return bytes
  const proposal = agreement.proposal as { readonly continues?: AttemptId }
  const listed = newestOn(disk)?.checkpoints.map(({ attempt }) => attempt) ?? []
  if (proposal.continues === undefined || listed.includes(proposal.continues)) return bytes
  return encodeAgreement({ ...agreement, proposal: { ...proposal, continues: listed.at(-1) } })
}

function newestOn(disk: Disk): Catalog | undefined {
  const key = disk.keys('catalog/').at(-1)
  const bytes = key === undefined ? undefined : disk.get(key)
  return bytes === undefined ? undefined : catalogIn(bytes)
}

/** `undefined` for another document. */
function catalogIn(bytes: Uint8Array): Catalog | undefined {
  const { catalog } = membersIn(bytes)
  return catalog === undefined ? undefined : decodeCatalog(bytes, catalog.version)
}

/** `undefined` for another document, or for none. */
function agreementIn(bytes: Uint8Array | undefined): Agreement | undefined {
  const { agreement } = membersIn(bytes)
  if (bytes === undefined || agreement === undefined) return undefined
  return decodeAgreement(bytes, agreementName(agreement.name))
}

/** What is in a sealed document, or in no document. */
function membersIn(bytes: Uint8Array | undefined): {
  readonly catalog?: { readonly version: number }
  readonly agreement?: { readonly name: string }
} {
  const text = Buffer.from(bytes ?? []).toString()
  return text.startsWith('{') ? (JSON.parse(text) as ReturnType<typeof membersIn>) : {}
}
