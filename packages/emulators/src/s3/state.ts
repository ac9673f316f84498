import { join } from 'node:path'
import { Journal, type Table } from '../objects/journal.ts'
import { ObjectFiles } from '../objects/object-files.ts'
import type { Piece } from '../objects/pieces.ts'
import { ObjectTable } from '../objects/object-table.ts'
import type { Checksum, ChecksumAlgorithm, ChecksumType, ChecksumValue } from './checksums.ts'
import { S3Error } from './errors.ts'

/** The description of an object that a client sends with an upload, and gets back with a read. */
export interface Described {
  /** Headers such as `Content-Type`, and those that begin with `x-amz-meta-` or `x-amz-server-side-encryption`. */
  readonly headers: Readonly<Record<string, string>>
  readonly storageClass: string
}

export interface StoredObject extends Described {
  readonly pieces: readonly Piece[]
  readonly size: number
  /** The entity tag, without quotation marks. */
  readonly etag: string
  readonly modified: number
  readonly checksum: Checksum
  /** Whether it has a legal hold. Default: false. */
  readonly isHeld?: boolean
}

export interface Upload extends Described {
  readonly id: string
  readonly bucket: string
  readonly key: string
  readonly initiated: number
  readonly algorithm: ChecksumAlgorithm | undefined
  readonly type: ChecksumType
  /** Number of deletions in the store when the upload started. */
  readonly deletionsBefore: number
}

export interface Part {
  readonly number: number
  readonly piece: Piece
  readonly etag: string
  readonly modified: number
  /** The checksum by the algorithm of the upload. */
  readonly checksum: ChecksumValue
  /** The checksum that the client sent. */
  readonly given: ChecksumValue | undefined
}

/**
 * The buckets and their contents. All methods except `tidy` are synchronous, so a caller can act on what it reads.
 */
export class State {
  readonly files: ObjectFiles
  readonly #journal: Journal
  readonly #buckets: Table<{ readonly created: number }>
  readonly #objects: ObjectTable<StoredObject>
  readonly #uploads: Table<Upload>
  readonly #parts: Table<Part>
  readonly #partsOf = new Map<string, Map<number, Part>>()
  readonly #deletedAt = new Map<string, number>()
  #deletions = 0

  /** Keeps the state in a folder, and continues from what the folder contains. Without a folder, in memory. */
  constructor(folder: string | undefined) {
    this.files = new ObjectFiles(folder === undefined ? undefined : join(folder, 'pieces'))
    this.#journal = new Journal(folder === undefined ? undefined : join(folder, 'journal.jsonl'))
    this.#buckets = this.#journal.table('buckets')
    this.#objects = new ObjectTable(this.#journal.table<StoredObject>('objects'))
    this.#uploads = this.#journal.table('uploads')
    this.#parts = this.#journal.table('parts')
    for (const [path, part] of this.#parts.entries())
      this.#partsById(path.slice(0, path.indexOf('/'))).set(part.number, part)
  }

  /** Deletes all pieces that no object and no part refers to. */
  async tidy(): Promise<void> {
    const ofObjects = this.#objects.values().flatMap(({ pieces }) => pieces)
    const ofParts = [...this.#parts.entries()].map(([, { piece }]) => piece)
    await this.files.keepOnly([...ofObjects, ...ofParts])
  }

  close(): void {
    this.#journal.close()
  }

  hasBucket(bucket: string): boolean {
    return this.#buckets.get(bucket) !== undefined
  }

  createBucket(bucket: string, created: number): void {
    this.#buckets.set(bucket, { created })
  }

  /** @throws `NoSuchBucket` if the bucket does not exist. */
  requireBucket(bucket: string): void {
    if (!this.hasBucket(bucket)) throw new S3Error('NoSuchBucket', undefined, { BucketName: bucket })
  }

  object(bucket: string, key: string): StoredObject | undefined {
    return this.#objects.get(bucket, key)
  }

  /** Makes an object visible. Returns the pieces of the object that it replaced. */
  publish(bucket: string, key: string, object: StoredObject): readonly Piece[] {
    const before = this.object(bucket, key)
    this.#objects.set(bucket, key, object)
    return before?.pieces ?? []
  }

  /** Deletes an object. Returns its pieces. */
  delete(bucket: string, key: string): readonly Piece[] {
    const before = this.object(bucket, key)
    if (before === undefined) return []
    this.#deletions += 1
    this.#deletedAt.set(`${bucket}/${key}`, this.#deletions)
    this.#objects.delete(bucket, key)
    return before.pieces
  }

  /** Number of deletions so far. Pass it to `deletedSince` later. */
  get deletions(): number {
    return this.#deletions
  }

  deletedSince(bucket: string, key: string, deletions: number): boolean {
    return (this.#deletedAt.get(`${bucket}/${key}`) ?? 0) > deletions
  }

  /** Yields the keys in a bucket that are not before `key`, ordered by their UTF-8 bytes. */
  keysFrom(bucket: string, key: string): Iterable<string> {
    return this.#objects.keysFrom(bucket, key)
  }

  /** @throws `NoSuchUpload` if the upload does not exist, or belongs to another key. */
  upload(bucket: string, key: string, id: string): Upload {
    const upload = this.#uploads.get(id)
    if (upload?.bucket === bucket && upload.key === key) return upload
    throw new S3Error('NoSuchUpload', undefined, { UploadId: id })
  }

  uploadsOf(bucket: string): readonly Upload[] {
    return [...this.#uploads.entries()].map(([, upload]) => upload).filter((each) => each.bucket === bucket)
  }

  begin(upload: Upload): void {
    this.#uploads.set(upload.id, upload)
  }

  /** Adds a part to an upload. Returns the piece of the part that it replaced, if any. */
  addPart(id: string, part: Part): readonly Piece[] {
    const before = this.#partsById(id).get(part.number)
    this.#parts.set(`${id}/${part.number}`, part)
    this.#partsById(id).set(part.number, part)
    return before === undefined ? [] : [before.piece]
  }

  part(id: string, number: number): Part | undefined {
    return this.#partsById(id).get(number)
  }

  /** Returns the parts of an upload, ordered by number. */
  partsOf(id: string): readonly Part[] {
    return [...this.#partsById(id).values()].sort((one, other) => one.number - other.number)
  }

  /** Removes an upload. Returns the pieces of its parts. */
  end(id: string): readonly Piece[] {
    const parts = this.partsOf(id)
    this.#uploads.delete(id)
    for (const { number } of parts) this.#parts.delete(`${id}/${number}`)
    this.#partsOf.delete(id)
    return parts.map(({ piece }) => piece)
  }

  #partsById(id: string): Map<number, Part> {
    const there = this.#partsOf.get(id)
    if (there !== undefined) return there
    const parts = new Map<number, Part>()
    this.#partsOf.set(id, parts)
    return parts
  }
}
