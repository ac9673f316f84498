import * as v from 'valibot'
import { HoldfastError } from '../../errors.ts'
import { sha256Hex } from '../../integrity/index.ts'
import {
  entrySchema,
  type PageReference,
  pageReferenceSchema,
  recordedMetricsSchema,
} from './catalog-schema.ts'
import { entryFault, usesOfLines } from './catalog-fault.ts'
import { formatAfter, formatOf, formatSchema } from './format-version.ts'
import { type PageId, pageIdSchema, pageKey } from './layout.ts'
import { inOrder, type Line } from './lines.ts'
import type { Named } from './named.ts'
import { parseDocument } from './parse-document.ts'
import { featureFault, requiresSchema, requiring } from './requires.ts'
import { seal } from './sealed.ts'

const format = formatSchema('page')

/** Older lines of the catalog, or references to pages. A page is written once, before the version that refers to it. */
export const pageSchema = v.variant('holds', [
  v.looseObject({
    format,
    requires: requiresSchema,
    page: pageIdSchema,
    holds: v.literal('checkpoints'),
    content: v.array(entrySchema),
  }),
  v.looseObject({
    format,
    requires: requiresSchema,
    page: pageIdSchema,
    holds: v.literal('metrics'),
    content: v.array(recordedMetricsSchema),
  }),
  v.looseObject({
    format,
    requires: requiresSchema,
    page: pageIdSchema,
    holds: v.literal('pages'),
    content: v.array(pageReferenceSchema),
  }),
])

export type PageDocument = Named<v.InferOutput<typeof pageSchema>>
export type PageContent =
  | Pick<Extract<PageDocument, { holds: 'checkpoints' }>, 'holds' | 'content'>
  | Pick<Extract<PageDocument, { holds: 'metrics' }>, 'holds' | 'content'>
  | Pick<Extract<PageDocument, { holds: 'pages' }>, 'holds' | 'content'>

/** `catalogFormat` is the format of the version for which the page is written. Its lines may be of a newer minor. */
export function encodePage(
  page: PageId,
  { holds, content }: PageContent,
  catalogFormat = formatOf('catalog'),
): Uint8Array {
  const requires = holds === 'pages' ? [] : requiring([], usesOfLines(content))
  return seal('page', { format: formatAfter('page', catalogFormat), requires, page, holds, content })
}

/** Throws `CORRUPT` if the page is damaged, or does not match its reference. */
export function decodePage(bytes: Uint8Array, reference: PageReference): PageDocument {
  const where = pageKey(reference.page)
  if (sha256Hex(bytes) !== reference.sha256) {
    throw new HoldfastError('CORRUPT', `${where} is damaged: its checksum does not match.`)
  }
  const page = parseDocument('page', pageSchema, bytes, where)
  if (page.page !== reference.page || !holdsWhatItShould(page, reference)) {
    throw new HoldfastError('CORRUPT', `${where} does not match the reference to it in the catalog.`)
  }
  const fault = page.holds === 'pages' ? undefined : featureFault(page.requires, usesOfLines(page.content))
  if (fault !== undefined) throw new HoldfastError('CORRUPT', `${where} ${fault}.`)
  return page
}

function holdsWhatItShould(page: PageDocument, { depth, from, to, count }: PageReference): boolean {
  if (page.holds === 'pages') {
    const { content } = page
    const lines = content.reduce((sum, each) => sum + each.count, 0)
    const isSound = content.every((each) => each.depth === depth - 1) && inOrder(content)
    return isSound && content[0]?.from === from && content.at(-1)?.to === to && lines === count
  }
  const lines: readonly Line[] = page.content
  if (page.holds === 'checkpoints' && entryFault(page.content) !== undefined) return false
  const isSound = depth === 0 && inOrder([], lines) && lines.length === count
  return isSound && lines[0]?.step === from && lines.at(-1)?.step === to
}
