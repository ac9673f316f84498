import * as v from 'valibot'
import { formatSchema } from './format-version.ts'
import { attemptSchema, pageIdSchema } from './layout.ts'
import type { Named } from './named.ts'
import { originSchema } from './origin.ts'
import { requiresSchema } from './requires.ts'
import { countSchema, metricsSchema, orderSchema, sha256Schema, timeSchema } from './values.ts'
import { recordOf } from '../../records.ts'

const pinSchema = v.looseObject({ reason: v.optional(v.string()), at: timeSchema })

export const entrySchema = v.looseObject({
  step: countSchema,
  epoch: v.optional(countSchema),
  attempt: attemptSchema,
  /** The manifest's own digest and size: with them this entry proves every byte of the checkpoint. */
  manifest: v.looseObject({ sha256: sha256Schema, size: countSchema }),
  /** How many files, and how many bytes they have together. */
  fileCount: countSchema,
  bytes: countSchema,
  savedAt: timeSchema,
  order: orderSchema,
  origin: v.optional(originSchema),
  /** The attempt of the checkpoint from which the run continued, if that is known. */
  resumed: v.optional(attemptSchema),
  /** When the manifest was stored, by the store's own clock. */
  storedAt: v.optional(timeSchema),
  /** Milliseconds by which the clock seems to have jumped since the save before: no age counts them. */
  clockJump: v.optional(countSchema),
  metrics: metricsSchema,
  tags: v.array(v.string()),
  pinned: v.optional(pinSchema),
  /** Listed by a repair, which found it whole and cannot know whether it was ever committed. */
  recovered: v.optional(v.boolean()),
})

const quarantinedSchema = v.looseObject({
  entry: entrySchema,
  reason: v.string(),
  at: timeSchema,
})

const ownerSchema = v.looseObject({
  id: v.string(),
  /** For people: host and process. */
  name: v.string(),
  since: timeSchema,
})

const dropSchema = v.looseObject({ step: countSchema, attempt: attemptSchema, because: v.string() })

export const recordedMetricsSchema = v.looseObject({
  step: countSchema,
  metrics: metricsSchema,
  /** That of the checkpoint. It tells in which order steps were recorded. */
  order: orderSchema,
})

const keepingSchema = v.looseObject({
  objectives: v.optional(recordOf(v.unknown())),
  retention: v.optional(recordOf(v.unknown())),
  /** Whether the last save also kept checkpoints by a function in code, which cannot be recorded. */
  partial: v.optional(v.boolean()),
})

const commitRecordSchema = v.looseObject({
  version: countSchema,
  /** By the writer's clock. */
  at: v.optional(timeSchema),
  commitId: v.pipe(v.string(), v.uuid()),
  /** What was done, for people: `save 42`, `pin 12`, `take over`. */
  did: v.string(),
  dropped: v.array(dropSchema),
})

/** Far more than any number of checkpoints needs. Without a bound, a chain of pages could exhaust the stack. */
const mostDepth = 64

/** Where older lines of the catalog stand: a page, with the digest that proves it. */
export const pageReferenceSchema = v.looseObject({
  page: pageIdSchema,
  /** Of the whole sealed page. */
  sha256: sha256Schema,
  /** 0 for a page of lines; else it is one of references, to pages of a depth less by one. */
  depth: v.pipe(countSchema, v.maxValue(mostDepth)),
  /** The first and the last step under it, and how many lines that are. */
  from: countSchema,
  to: countSchema,
  count: v.pipe(countSchema, v.minValue(1)),
})

const olderSchema = v.looseObject({
  /** In the order of their steps, all below those that the catalog lists itself. */
  checkpoints: v.array(pageReferenceSchema),
  metrics: v.array(pageReferenceSchema),
  /** Pages that this version no longer needs and that others at or above its floor do, and since which version. */
  retired: v.array(v.looseObject({ page: pageIdSchema, since: countSchema })),
})

/** Attempts that a version lists as continued. */
const mostContinued = 8

/** One version of the list of committed checkpoints. Immutable; the newest version is the truth. */
export const catalogSchema = v.looseObject({
  format: formatSchema('catalog'),
  requires: requiresSchema,
  version: v.pipe(countSchema, v.minValue(1)),
  commitId: v.pipe(v.string(), v.uuid()),
  committedAt: timeSchema,
  /** The only writer that may commit, in exclusive mode. */
  owner: v.nullable(ownerSchema),
  floor: countSchema,
  /** The highest term of a job of many ranks that ever owned the store. It only grows. */
  term: v.optional(v.pipe(countSchema, v.minValue(1))),
  /** Unlisted attempts that stay alive below the floor, because a copy continues them. */
  continued: v.optional(v.pipe(v.array(attemptSchema), v.maxLength(mostContinued))),
  /** The order key that the newest rewind gave. Saves that began before it are abandoned when they are committed. */
  rewound: v.optional(orderSchema),
  /** The checkpoints that a rewind took out of the list, in the order of their keys. */
  abandoned: v.optional(v.array(entrySchema)),
  /** In the order of their steps, each step once. Those with lower steps than all of these may stand in pages. */
  checkpoints: v.array(entrySchema),
  /** The line of the latest checkpoint, if it stands in a page. A writer that does not keep it up to date omits it. */
  latest: v.optional(entrySchema),
  quarantined: v.array(quarantinedSchema),
  /** The metrics of every step that ever had any, in the order of the steps; they outlive the checkpoints. */
  metrics: v.array(recordedMetricsSchema),
  /** What no longer fits into this document, so that a commit costs the same however long a run is. */
  older: v.optional(olderSchema),
  /** What 'best' means to any of the writers, and the retention of the last save that had one. */
  keeping: v.optional(keepingSchema),
  /** The latest commits, the oldest first, this one last. */
  history: v.array(commitRecordSchema),
})

export type Catalog = Named<v.InferOutput<typeof catalogSchema>>
export type CatalogEntry = Named<v.InferOutput<typeof entrySchema>>
export type Quarantined = Named<v.InferOutput<typeof quarantinedSchema>>
export type Owner = Named<v.InferOutput<typeof ownerSchema>>
export type Pin = Named<v.InferOutput<typeof pinSchema>>
export type Drop = Named<v.InferOutput<typeof dropSchema>>
export type RecordedMetrics = Named<v.InferOutput<typeof recordedMetricsSchema>>
export type PageReference = Named<v.InferOutput<typeof pageReferenceSchema>>
export type Older = Named<v.InferOutput<typeof olderSchema>>
export type CommitRecord = Named<v.InferOutput<typeof commitRecordSchema>>
