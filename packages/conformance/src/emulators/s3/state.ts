import { join } from 'node:path'
import { Journal, type Table } from '../journal.ts'
import { ObjectFiles } from '../object-files.ts'
import type { Piece } from '../pieces.ts'
import { ObjectTable } from '../object-table.ts'
import type { Checksum, ChecksumAlgorithm, ChecksumType, ChecksumValue } from './checksums.ts'
import { S3Error } from './errors.ts'

/** What a client says of an object when it begins to store it, and is told again when it asks. */
export interface Described {
  /** `Content-Type` and its like, and what begins with `x-amz-meta-` or `x-amz-server-side-encryption`. */
  readonly headers: Readonly<Record<string, string>>
  readonly storageClass: string
}

export interface StoredObject extends Described {
  readonly pieces: readonly Piece[]
  readonly size: number
  /** Without its quotation marks. */
  readonly etag: string
  readonly modified: number
  readonly checksum: Checksum
}

export interface Upload extends Described {
  readonly id: string
  readonly bucket: string
  readonly key: string
  readonly initiated: number
  readonly algorithm: ChecksumAlgorithm | undefined
  readonly type: ChecksumType
  /** How many deletions there had been when it was initiated. */
  readonly deletionsBefore: number
}

export interface Part {
  readonly number: number
  readonly piece: Piece
  readonly etag: string
  readonly modified: number
  /** Of the upload's algorithm. */
  readonly checksum: ChecksumValue
  /** What the client gave. */
  readonly given: ChecksumValue | undefined
}

/** The buckets, and what is in them. Nothing here waits: what one call finds, it may act upon. */
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

  /** In this folder, where it goes on from what is there; in memory when there is none. */
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

  /** Deletes the pieces that nothing refers to. */
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

  /** @throws `NoSuchBucket` */
  requireBucket(bucket: string): void {
    if (!this.hasBucket(bucket)) throw new S3Error('NoSuchBucket', undefined, { BucketName: bucket })
  }

  object(bucket: string, key: string): StoredObject | undefined {
    return this.#objects.get(bucket, key)
  }

  /** Returns the pieces that it took the place of. */
  publish(bucket: string, key: string, object: StoredObject): readonly Piece[] {
    const before = this.object(bucket, key)
    this.#objects.set(bucket, key, object)
    return before?.pieces ?? []
  }

  /** Returns the pieces that it had. */
  delete(bucket: string, key: string): readonly Piece[] {
    const before = this.object(bucket, key)
    if (before === undefined) return []
    this.#deletions += 1
    this.#deletedAt.set(`${bucket}/${key}`, this.#deletions)
    this.#objects.delete(bucket, key)
    return before.pieces
  }

  /** How many deletions there have been, to ask `deletedSince` with later. */
  get deletions(): number {
    return this.#deletions
  }

  deletedSince(bucket: string, key: string, deletions: number): boolean {
    return (this.#deletedAt.get(`${bucket}/${key}`) ?? 0) > deletions
  }

  /** The keys of a bucket in the order of UTF-8, from this one on. */
  keysFrom(bucket: string, key: string): Iterable<string> {
    return this.#objects.keysFrom(bucket, key)
  }

  /** @throws `NoSuchUpload` when it is not there, or is of another key. */
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

  /** Returns the piece that it took the place of. */
  addPart(id: string, part: Part): readonly Piece[] {
    const before = this.#partsById(id).get(part.number)
    this.#parts.set(`${id}/${part.number}`, part)
    this.#partsById(id).set(part.number, part)
    return before === undefined ? [] : [before.piece]
  }

  part(id: string, number: number): Part | undefined {
    return this.#partsById(id).get(number)
  }

  /** In the order of their numbers. */
  partsOf(id: string): readonly Part[] {
    return [...this.#partsById(id).values()].sort((one, other) => one.number - other.number)
  }

  /** Forgets an upload, and returns the pieces of its parts. */
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
