import * as v from 'valibot'
import { formatSchema } from './format-version.ts'
import { attemptSchema, pageIdSchema } from './layout.ts'
import type { Named } from './named.ts'
import { originSchema } from './origin.ts'
import { requiresSchema } from './requires.ts'
import {
  countSchema,
  epochSchema,
  metricsSchema,
  orderSchema,
  sha256Schema,
  timeSchema,
  timingSchema,
} from './values.ts'
import { recordOf } from '../../input/records.ts'

const pinSchema = v.looseObject({ reason: v.optional(v.string()), at: timeSchema })

export const entrySchema = v.looseObject({
  step: countSchema,
  epoch: v.optional(epochSchema),
  attempt: attemptSchema,
  /** The digest and size of the sealed manifest. With the manifest, they verify every byte of the checkpoint. */
  manifest: v.looseObject({ sha256: sha256Schema, size: countSchema }),
  /** The number of files, and their total size in bytes. */
  fileCount: countSchema,
  bytes: countSchema,
  /** The number of objects that contain the files, if it is not the number of files. */
  objects: v.optional(countSchema),
  /** The files that share the bytes that another attempt wrote: their number and their total size in bytes. */
  shared: v.optional(
    v.array(v.looseObject({ attempt: attemptSchema, files: countSchema, bytes: countSchema })),
  ),
  savedAt: timeSchema,
  order: orderSchema,
  origin: v.optional(originSchema),
  /** The attempt of the checkpoint from which the run continued, if known. */
  resumed: v.optional(attemptSchema),
  timing: v.optional(timingSchema),
  /** The metadata of the checkpoint, if it is small: `{ value }`, or `{}` for none. Otherwise it is in the manifest only. */
  metadata: v.optional(v.looseObject({ value: v.optional(v.unknown()) })),
  /** The time at which the store stored the manifest, by its own clock. */
  storedAt: v.optional(timeSchema),
  /** Milliseconds by which the clock seems to have jumped since the previous save. They do not count as age. */
  clockJump: v.optional(countSchema),
  /** The rank that committed the checkpoint, if the ranks of a job saved it together. */
  committedBy: v.optional(countSchema),
  metrics: metricsSchema,
  tags: v.array(v.string()),
  pinned: v.optional(pinSchema),
  /** Whether a repair listed the checkpoint. The repair found it complete, and cannot know whether it was committed. */
  recovered: v.optional(v.boolean()),
})

const quarantinedSchema = v.looseObject({
  entry: entrySchema,
  reason: v.string(),
  at: timeSchema,
  /** Whether a rewind left it behind. If it verifies, it is abandoned, and not listed again. */
  abandoned: v.optional(v.boolean()),
})

const ownerSchema = v.looseObject({
  id: v.string(),
  /** A name for messages: host and process. */
  name: v.string(),
  since: timeSchema,
  /** The job that the owner belongs to. A later writer of the same job may take over from it. */
  job: v.optional(v.string()),
})

const dropSchema = v.looseObject({
  step: countSchema,
  attempt: attemptSchema,
  because: v.string(),
  /** Whether the mirror of the store did not have the checkpoint yet. */
  unmirrored: v.optional(v.boolean()),
  /** Whether it was removed before, and its time for an undo has ended. Then no grace period keeps its files. */
  expired: v.optional(v.boolean()),
  /** Whether its save failed, so that it was never committed. */
  discarded: v.optional(v.boolean()),
})

const removedSchema = v.looseObject({
  entry: entrySchema,
  /** The version that removed it, and the time by the clock of its writer. */
  version: v.pipe(countSchema, v.minValue(1)),
  at: timeSchema,
  /** The first save or sweep after this time drops it. */
  until: timeSchema,
  because: v.string(),
  /** Whether the mirror of the store did not have the checkpoint yet. */
  unmirrored: v.optional(v.boolean()),
  /** Whether a rewind left it behind. Then an undo does not list it, but abandons it again. */
  abandoned: v.optional(v.boolean()),
})

export const recordedMetricsSchema = v.looseObject({
  step: countSchema,
  metrics: metricsSchema,
  /** The order key of the checkpoint. It gives the order in which the metrics of steps were recorded. */
  order: orderSchema,
  /** Whether the checkpoint was abandoned by a rewind. */
  abandoned: v.optional(v.boolean()),
})

export const keepingSchema = v.looseObject({
  objectives: v.optional(recordOf(v.unknown())),
  retention: v.optional(recordOf(v.unknown())),
  /** Whether the last save also used a `keep` function, which cannot be recorded. */
  partial: v.optional(v.boolean()),
})

const commitRecordSchema = v.looseObject({
  version: countSchema,
  /** The time by the clock of the writer. */
  at: v.optional(timeSchema),
  commitId: v.pipe(v.string(), v.uuid()),
  /** A description such as `save 42`, `pin 12` or `take over`. */
  did: v.string(),
  dropped: v.array(dropSchema),
})

const triesSchema = v.looseObject({
  attempt: attemptSchema,
  count: countSchema,
  /** The term of a job of many ranks that counted last. The ranks of a term count one restore together. */
  term: v.optional(countSchema),
})

/** A depth that no number of checkpoints reaches. Without a limit, a chain of pages could exhaust the stack. */
const mostDepth = 64

/** A reference to a page of older lines, with the digest that verifies it. */
export const pageReferenceSchema = v.looseObject({
  page: pageIdSchema,
  /** The digest of the sealed page. */
  sha256: sha256Schema,
  /** 0 for a page of lines. A page with a higher depth refers to pages whose depth is lower by one. */
  depth: v.pipe(countSchema, v.maxValue(mostDepth)),
  /** The first and the last step of the lines below the page, and their number. */
  from: countSchema,
  to: countSchema,
  count: v.pipe(countSchema, v.minValue(1)),
})

const olderSchema = v.looseObject({
  /** The pages in the order of their steps, which are below the steps of the version's own lines. */
  checkpoints: v.array(pageReferenceSchema),
  metrics: v.array(pageReferenceSchema),
  /**
   * Pages that this version does not need and earlier versions from the floor on need. Each has the first version
   * without it.
   */
  retired: v.array(v.looseObject({ page: pageIdSchema, since: countSchema })),
})

/** The numbers of segments, which order the saves of this store and the copies from other stores. */
const segmentsSchema = v.looseObject({
  /** The segment of saves into this store that begin now. It is above the segments of all copies. */
  own: countSchema,
  /** The segment in this store for checkpoints of a segment of another store. */
  foreign: v.array(
    v.looseObject({ store: v.pipe(v.string(), v.uuid()), segment: countSchema, here: countSchema }),
  ),
})

/** The largest number of attempts that a version may list as not mirrored yet. */
export const mostUnmirrored = 256

/** The mirror of the store, to which its checkpoints are copied, and how far the copies are. */
const mirrorSchema = v.looseObject({
  /** The location of the mirror, without secrets. */
  place: v.string(),
  /** The id of the mirror, as far as a process of this store has read it. */
  store: v.optional(v.pipe(v.string(), v.uuid())),
  /** The id that this store had when it owned the mirror last, or when it began to take it over. */
  owner: v.optional(v.pipe(v.string(), v.uuid())),
  /** The id of the owner from which this store began to take the mirror over, until it knows that it owns it. */
  takingFrom: v.optional(v.string()),
  /** The number of checkpoints that retention keeps only because the mirror does not have them yet. */
  maxBehind: v.pipe(countSchema, v.maxValue(mostUnmirrored)),
  /** The attempts that the mirror does not have yet, the latest commit last. */
  waiting: v.pipe(v.array(attemptSchema), v.maxLength(mostUnmirrored)),
  /** The latest checkpoint that the mirror has, when it was saved, and when it was copied. */
  newest: v.optional(v.looseObject({ step: countSchema, savedAt: timeSchema, at: timeSchema })),
  /** Why nothing can be copied since a time. Absent once a copier has found the mirror in order again. */
  failure: v.optional(
    v.looseObject({
      /** `fenced` if another store owns the mirror. Any other kind, such as `failing`, is a failure. */
      kind: v.string(),
      code: v.string(),
      message: v.string(),
      since: timeSchema,
    }),
  ),
})

/** One version of the list of committed checkpoints. It never changes. The newest version is the truth. */
export const catalogSchema = v.looseObject({
  format: formatSchema('catalog'),
  requires: requiresSchema,
  version: v.pipe(countSchema, v.minValue(1)),
  commitId: v.pipe(v.string(), v.uuid()),
  committedAt: timeSchema,
  /** The only writer that may commit in exclusive mode. */
  owner: v.nullable(ownerSchema),
  floor: countSchema,
  /** The highest term of a job of many ranks that owned the store. It never decreases. */
  term: v.optional(v.pipe(countSchema, v.minValue(1))),
  /** The segments of copies. Absent if nothing was copied into the store. */
  segments: v.optional(segmentsSchema),
  /** The order key that the newest rewind assigned. A save that began before it is abandoned when it is committed. */
  rewound: v.optional(orderSchema),
  /** The checkpoints that a rewind removed from the list, in the order of their keys. */
  abandoned: v.optional(v.array(entrySchema)),
  /** The checkpoints that a person removed and an undo can list again, the earliest removed first. Their files stay. */
  removed: v.optional(v.array(removedSchema)),
  /** Restores that a supervisor counts, by attempt. A save ends all counts. */
  tries: v.optional(v.array(triesSchema)),
  /** The checkpoints in the order of their steps, each step once. Checkpoints with lower steps may be in pages. */
  checkpoints: v.array(entrySchema),
  /** The entry of the latest checkpoint, if it is in a page. */
  latest: v.optional(entrySchema),
  quarantined: v.array(quarantinedSchema),
  /**
   * The metrics of every step that ever had metrics, in the order of steps. They remain when checkpoints are deleted.
   */
  metrics: v.array(recordedMetricsSchema),
  /** References to pages with older lines, so that the cost of a commit does not grow with the run. */
  older: v.optional(olderSchema),
  /** The objectives of all writers, and the retention of the last save that had a retention. */
  keeping: v.optional(keepingSchema),
  /** Absent if the store has no mirror. */
  mirror: v.optional(mirrorSchema),
  /** The latest commits, oldest first. The last one created this version. */
  history: v.array(commitRecordSchema),
})

export type Catalog = Named<v.InferOutput<typeof catalogSchema>>
export type CatalogEntry = Named<v.InferOutput<typeof entrySchema>>
export type Quarantined = Named<v.InferOutput<typeof quarantinedSchema>>
export type Removed = Named<v.InferOutput<typeof removedSchema>>
export type Owner = Named<v.InferOutput<typeof ownerSchema>>
export type Pin = Named<v.InferOutput<typeof pinSchema>>
export type Drop = Named<v.InferOutput<typeof dropSchema>>
export type RecordedMetrics = Named<v.InferOutput<typeof recordedMetricsSchema>>
export type PageReference = Named<v.InferOutput<typeof pageReferenceSchema>>
export type Older = Named<v.InferOutput<typeof olderSchema>>
export type MirrorRecord = Named<v.InferOutput<typeof mirrorSchema>>
export type Segments = Named<v.InferOutput<typeof segmentsSchema>>
export type CommitRecord = Named<v.InferOutput<typeof commitRecordSchema>>
