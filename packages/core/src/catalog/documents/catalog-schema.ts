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
  /** Digest and size of the whole sealed manifest. With them, this entry proves every byte of the checkpoint. */
  manifest: v.looseObject({ sha256: sha256Schema, size: countSchema }),
  /** The number of files, and their bytes together. */
  fileCount: countSchema,
  bytes: countSchema,
  savedAt: timeSchema,
  order: orderSchema,
  origin: v.optional(originSchema),
  /** The attempt of the checkpoint from which the run continued, if that is known. */
  resumed: v.optional(attemptSchema),
  /** When the manifest was stored, by the store's own clock. */
  storedAt: v.optional(timeSchema),
  /** Milliseconds by which the clock seems to have jumped since the save before. Ages do not count them. */
  clockJump: v.optional(countSchema),
  metrics: metricsSchema,
  tags: v.array(v.string()),
  pinned: v.optional(pinSchema),
  /** Whether a repair listed it, which found it whole and cannot know whether it was committed. */
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
  /** The order key of the checkpoint. It gives the order in which the metrics of steps were recorded. */
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
  /** A description for people: `save 42`, `pin 12`, `take over`. */
  did: v.string(),
  dropped: v.array(dropSchema),
})

/** More than any number of checkpoints needs. Without a bound, a chain of pages could exhaust the stack. */
const mostDepth = 64

/** A reference to a page of older lines, with the digest that proves it. */
export const pageReferenceSchema = v.looseObject({
  page: pageIdSchema,
  /** The digest of the whole sealed page. */
  sha256: sha256Schema,
  /** 0 for a page of lines. A page of a higher depth has references to pages whose depth is less by one. */
  depth: v.pipe(countSchema, v.maxValue(mostDepth)),
  /** The first and the last step under it, and the number of lines. */
  from: countSchema,
  to: countSchema,
  count: v.pipe(countSchema, v.minValue(1)),
})

const olderSchema = v.looseObject({
  /** In the order of their steps, which are below those of the version's own lines. */
  checkpoints: v.array(pageReferenceSchema),
  metrics: v.array(pageReferenceSchema),
  /** Pages that this version does not need but versions from the floor on do, with the first version without them. */
  retired: v.array(v.looseObject({ page: pageIdSchema, since: countSchema })),
})

/** Numbers of segments, which order the saves of this store and the copies from others. */
const segmentsSchema = v.looseObject({
  /** The segment of saves into this store that begin now. It is above those of all copies. */
  own: countSchema,
  /** The segment that the checkpoints of one segment of another store have here. */
  foreign: v.array(
    v.looseObject({ store: v.pipe(v.string(), v.uuid()), segment: countSchema, here: countSchema }),
  ),
})

/** The most attempts that a version may list as continued. */
const mostContinued = 8

/** One version of the list of committed checkpoints. It never changes. The newest version is the truth. */
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
  /** Which segments copies have. Without it, nothing was copied into the store. */
  segments: v.optional(segmentsSchema),
  /** The order key that the newest rewind gave. Saves that began before it are abandoned when they are committed. */
  rewound: v.optional(orderSchema),
  /** The checkpoints that a rewind took out of the list, in the order of their keys. */
  abandoned: v.optional(v.array(entrySchema)),
  /** In the order of their steps, each step once. Checkpoints with lower steps may be in pages. */
  checkpoints: v.array(entrySchema),
  /** The entry of the latest checkpoint, if it is in a page. */
  latest: v.optional(entrySchema),
  quarantined: v.array(quarantinedSchema),
  /** The metrics of every step that ever had any, in the order of the steps. They outlive the checkpoints. */
  metrics: v.array(recordedMetricsSchema),
  /** References to pages with older lines, so that the cost of a commit does not grow with the run. */
  older: v.optional(olderSchema),
  /** The objectives of all writers, and the retention of the last save that had one. */
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
export type Segments = Named<v.InferOutput<typeof segmentsSchema>>
export type CommitRecord = Named<v.InferOutput<typeof commitRecordSchema>>
