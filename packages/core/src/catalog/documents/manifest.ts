import * as v from 'valibot'
import { HoldfastError } from '../../errors.ts'
import { fileNameFault, nameClash } from './file-names.ts'
import { formatOf, formatSchema, parseDocument } from './format-version.ts'
import { type AttemptId, attemptSchema, manifestKey, partsOfAttempt } from './layout.ts'
import { seal } from './sealed.ts'
import { countSchema, metricsSchema, sha256Schema, type StoredMetric, timeSchema } from './values.ts'

const hashSchema = v.looseObject({
  algorithm: v.picklist(['sha256', 'crc32', 'crc32c', 'crc64nvme', 'md5']),
  value: v.pipe(v.string(), v.hexadecimal()),
  origin: v.picklist(['store', 'writer', 'computed']),
})

const fileSchema = v.looseObject({
  name: v.pipe(
    v.string(),
    v.check((name) => fileNameFault(name) === undefined, 'not a valid file name'),
  ),
  /** Bytes. */
  size: countSchema,
  sha256: sha256Schema,
  /** The permission bits of the file that was saved (`0o600` is 384). Streams and bytes have none. */
  mode: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(0o777))),
  /** The store's token for exactly this body. */
  revision: v.optional(v.string()),
  /** The digest that the store keeps of it. */
  storeDigest: v.optional(hashSchema),
})

/** What a checkpoint is made of. Written once, last of its attempt's objects, and never changed. */
export const manifestSchema = v.looseObject({
  format: formatSchema('manifest'),
  attempt: attemptSchema,
  step: countSchema,
  epoch: v.optional(countSchema),
  /** When the save began, by the writer's clock. */
  savedAt: timeSchema,
  files: v.pipe(v.array(fileSchema), v.minLength(1)),
  metrics: metricsSchema,
  tags: v.array(v.string()),
  metadata: v.optional(v.unknown()),
  dataState: v.optional(v.unknown()),
})

export type Manifest = Readonly<v.InferOutput<typeof manifestSchema>>
export type ManifestFile = Readonly<v.InferOutput<typeof fileSchema>>

/** What a save gives to a manifest; the rest is the format's own. */
export interface ManifestContent {
  readonly attempt: AttemptId
  readonly step: number
  readonly epoch?: number | undefined
  readonly savedAt: string
  readonly files: readonly ManifestFile[]
  readonly metrics: Readonly<Record<string, StoredMetric>>
  readonly tags: readonly string[]
  readonly metadata?: unknown
  readonly dataState?: unknown
}

export function newManifest({ files, metrics, tags, ...content }: ManifestContent): Manifest {
  return {
    format: formatOf('manifest'),
    ...content,
    files: [...files],
    metrics: { ...metrics },
    tags: [...tags],
  }
}

export function encodeManifest(manifest: Manifest): Uint8Array {
  return seal('manifest', manifest)
}

/** Throws `CORRUPT` when it is damaged, or is not the manifest of this attempt. */
export function decodeManifest(bytes: Uint8Array, attempt: AttemptId): Manifest {
  const where = manifestKey(attempt)
  const manifest = parseDocument('manifest', manifestSchema, bytes, where)
  if (manifest.attempt !== attempt) {
    throw new HoldfastError('CORRUPT', `${where} is the manifest of another attempt, ${manifest.attempt}.`)
  }
  if (manifest.step !== partsOfAttempt(attempt).step) {
    throw new HoldfastError('CORRUPT', `${where} is the manifest of another step, ${manifest.step}.`)
  }
  const clash = nameClash(manifest.files.map(({ name }) => name))
  if (clash !== undefined) {
    throw new HoldfastError(
      'CORRUPT',
      `${where} lists files that are one on some file systems: ${clash.join(', ')}.`,
    )
  }
  return manifest
}
