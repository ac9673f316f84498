import * as v from 'valibot'
import { HoldfastError } from '../../errors.ts'
import { fileNameFault, nameClash, objectFault } from './file-names.ts'
import { formatOf, formatSchema } from './format-version.ts'
import { type AttemptId, attemptSchema, manifestKey, manifestName, partsOfAttempt } from './layout.ts'
import type { Named } from './named.ts'
import { originSchema } from './origin.ts'
import { parseDocument } from './parse-document.ts'
import { featureFault, requiresSchema, requiring, type Uses } from './requires.ts'
import { seal } from './sealed.ts'
import {
  countSchema,
  epochSchema,
  metricsSchema,
  orderSchema,
  sha256Schema,
  type StoredMetric,
  timeSchema,
  type Timing,
  timingSchema,
} from './values.ts'
import type { OrderKey } from '../../order-key.ts'

const hashSchema = v.looseObject({
  algorithm: v.picklist(['sha256', 'crc32', 'crc32c', 'crc64nvme', 'md5']),
  value: v.pipe(v.string(), v.hexadecimal()),
  origin: v.picklist(['store', 'writer', 'computed']),
})

export const manifestFileSchema = v.looseObject({
  name: v.pipe(
    v.string(),
    v.check((name) => fileNameFault(name) === undefined, 'not a valid file name'),
  ),
  /** The path of the object with the bytes of the file, below the attempt: the manifest itself if `content` has them. */
  object: v.pipe(
    v.string(),
    v.check((object) => object === manifestName || objectFault(object) === undefined, 'not a valid object'),
  ),
  /** The offset of the file in a pack, an object that contains several files. Without it, the object is the file. */
  offset: v.optional(countSchema),
  /** The bytes of a small file in Base64. */
  content: v.optional(v.pipe(v.string(), v.base64())),
  /** The size in bytes. */
  size: countSchema,
  sha256: sha256Schema,
  /** The permission bits of the saved file (`0o600` is 384). Streams and bytes have none. */
  mode: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0o777))),
  /** The revision of the object, as the store returned it. Of the files of a pack, at most one has it. */
  revision: v.optional(v.string()),
  /** The digest of the object that the store keeps. Of the files of a pack, at most one has it. */
  storeDigest: v.optional(hashSchema),
  /** The size in bytes and the digest of the pack. Of the files of a pack, at most one has it. */
  pack: v.optional(v.looseObject({ size: countSchema, sha256: sha256Schema })),
  /**
   * The attempt whose save wrote the bytes, if the object shares them with that attempt's object, as a clone or a hard link on a
   * disk. That attempt may be deleted.
   */
  sharedWith: v.optional(attemptSchema),
})

/** The description of a checkpoint. It is written once, after all files of its attempt, and never changed. */
export const manifestSchema = v.looseObject({
  format: formatSchema('manifest'),
  requires: requiresSchema,
  attempt: attemptSchema,
  step: countSchema,
  epoch: v.optional(epochSchema),
  /** The time at which the save began, by the clock of the writer. */
  savedAt: timeSchema,
  order: orderSchema,
  origin: v.optional(originSchema),
  /** The attempt of the checkpoint from which the run continued, if known. */
  resumed: v.optional(attemptSchema),
  timing: v.optional(timingSchema),
  files: v.pipe(v.array(manifestFileSchema), v.minLength(1)),
  metrics: metricsSchema,
  tags: v.array(v.string()),
  metadata: v.optional(v.unknown()),
  dataState: v.optional(v.unknown()),
})

export type Manifest = Named<v.InferOutput<typeof manifestSchema>>
export type ManifestFile = Named<v.InferOutput<typeof manifestFileSchema>>

/** The members of a manifest that a save provides. */
export interface ManifestContent {
  readonly attempt: AttemptId
  readonly step: number
  readonly epoch?: number | undefined
  readonly savedAt: string
  readonly order: OrderKey
  readonly resumed?: AttemptId | undefined
  readonly timing?: Timing | undefined
  readonly files: readonly ManifestFile[]
  readonly metrics: Readonly<Record<string, StoredMetric>>
  readonly tags: readonly string[]
  readonly metadata?: unknown
  readonly dataState?: unknown
}

export function newManifest({ order, files, metrics, tags, ...content }: ManifestContent): Manifest {
  return {
    format: formatOf('manifest'),
    requires: requiring([], featuresOf(files)),
    ...content,
    order: { ...order },
    files: [...files],
    metrics: { ...metrics },
    tags: [...tags],
  }
}

export function encodeManifest(manifest: Manifest): Uint8Array {
  return seal('manifest', manifest)
}

/** Throws `CORRUPT` if the manifest is damaged or belongs to another attempt. */
export function decodeManifest(bytes: Uint8Array, attempt: AttemptId): Manifest {
  const where = manifestKey(attempt)
  const manifest = parseDocument('manifest', manifestSchema, bytes, where)
  const fault = manifestFault(manifest, attempt)
  if (fault !== undefined) throw new HoldfastError('CORRUPT', `${where} ${fault}.`)
  return manifest
}

/**
 * Returns how a manifest breaks rules of the format that its schema does not express, as the end of a sentence. Returns
 * `undefined` for a valid manifest.
 */
function manifestFault(manifest: Manifest, attempt: AttemptId): string | undefined {
  const { step, order, origin, requires, files } = manifest
  const named = partsOfAttempt(attempt)
  if (manifest.attempt !== attempt) return `is the manifest of another attempt, ${manifest.attempt}`
  if (step !== named.step) return `is the manifest of another step, ${step}`
  // The copy of a checkpoint has the base of the save in the other store.
  if (origin === undefined && order.base > named.base) return 'has an order key later than its attempt'
  const clash = nameClash(files.map(({ name }) => name))
  if (clash !== undefined) return `lists files that are the same on some file systems: ${clash.join(', ')}`
  if (files.some(({ object, content, offset }) => isInline(content, offset) !== (object === manifestName)))
    return 'has a file whose content is not where its object says'
  if (files.some(({ offset = 0, size }) => !Number.isSafeInteger(offset + size)))
    return 'has a file that ends beyond the largest offset'
  return featureFault(requires, featuresOf(files))
}

/** The features that a list of files uses. */
function featuresOf(files: readonly ManifestFile[]): Uses {
  return [
    [files.some(({ offset }) => offset !== undefined), 'a pack of files', 'packs'],
    [files.some(({ content }) => content !== undefined), 'a file in the manifest', 'inline'],
  ]
}

/** A file cannot be in the manifest and in a pack. */
function isInline(content: string | undefined, offset: number | undefined): boolean {
  return content !== undefined && offset === undefined
}

/** Returns a manifest with other files, which requires the features that they use and no others of files. */
export function withFiles(manifest: Manifest, files: readonly ManifestFile[]): Manifest {
  const others = manifest.requires.filter((feature) => feature !== 'packs' && feature !== 'inline')
  return { ...manifest, requires: requiring(others, featuresOf(files)), files: [...files] }
}
