import { join } from 'node:path'
import { Journal, type Table } from '../objects/journal.ts'
import { ObjectFiles } from '../objects/object-files.ts'
import { ObjectTable } from '../objects/object-table.ts'
import type { Piece } from '../objects/pieces.ts'
import { noSuchBucket } from './errors.ts'
import type { Session, StoredObject } from './model.ts'

/**
 * The buckets and their contents. All methods except `tidy` are synchronous, so a caller can act on what it reads.
 */
export class State {
  readonly files: ObjectFiles
  readonly #journal: Journal
  readonly #buckets: Table<{ readonly created: number }>
  readonly #objects: ObjectTable<StoredObject>
  readonly #sessions: Table<Session>
  readonly #counters: Table<number>
  readonly #references = new Map<string, number>()

  /** Keeps the state in a folder, and continues from what the folder contains. Without a folder, in memory. */
  constructor(folder: string | undefined) {
    this.files = new ObjectFiles(folder === undefined ? undefined : join(folder, 'pieces'))
    this.#journal = new Journal(folder === undefined ? undefined : join(folder, 'journal.jsonl'))
    this.#buckets = this.#journal.table('buckets')
    this.#objects = new ObjectTable(this.#journal.table<StoredObject>('objects'))
    this.#sessions = this.#journal.table('sessions')
    this.#counters = this.#journal.table('counters')
    for (const { pieces } of this.#objects.values()) this.#refer(pieces)
  }

  /** Deletes all pieces that no object and no upload refers to. */
  async tidy(): Promise<void> {
    const sessions = [...this.#sessions.entries()].map(([, session]) => session)
    await this.files.keepOnly([...this.#objects.values(), ...sessions].flatMap(({ pieces }) => pieces))
  }

  close(): void {
    this.#journal.close()
  }

  bucket(bucket: string): { readonly created: number } | undefined {
    return this.#buckets.get(bucket)
  }

  createBucket(bucket: string, created: number): void {
    this.#buckets.set(bucket, { created })
  }

  /** @throws 404 if the bucket does not exist. */
  requireBucket(bucket: string): void {
    if (this.bucket(bucket) === undefined) throw noSuchBucket()
  }

  object(bucket: string, name: string): StoredObject | undefined {
    return this.#objects.get(bucket, name)
  }

  /** Returns a generation above all earlier ones: the time in microseconds, unless the clock stands still or goes back. */
  nextGeneration(now: Date): number {
    const generation = Math.max(now.getTime() * 1000, (this.#counters.get('generation') ?? 0) + 1)
    this.#counters.set('generation', generation)
    return generation
  }

  /** Makes an object visible. Returns the pieces that nothing refers to any more. */
  publish(object: StoredObject): readonly Piece[] {
    const before = this.object(object.bucket, object.name)
    this.#objects.set(object.bucket, object.name, object)
    this.#refer(object.pieces)
    return before === undefined ? [] : this.#unrefer(before.pieces)
  }

  /** Deletes an object. Returns the pieces that nothing refers to any more. */
  delete({ bucket, name, pieces }: StoredObject): readonly Piece[] {
    this.#objects.delete(bucket, name)
    return this.#unrefer(pieces)
  }

  /** Yields the names in a bucket that are not before `name`, ordered by their UTF-8 bytes. */
  namesFrom(bucket: string, name: string): Iterable<string> {
    return this.#objects.keysFrom(bucket, name)
  }

  session(id: string): Session | undefined {
    return this.#sessions.get(id)
  }

  keep(session: Session): void {
    this.#sessions.set(session.id, session)
  }

  #refer(pieces: readonly Piece[]): void {
    for (const { id } of pieces) this.#references.set(id, (this.#references.get(id) ?? 0) + 1)
  }

  #unrefer(pieces: readonly Piece[]): readonly Piece[] {
    for (const { id } of pieces) this.#references.set(id, (this.#references.get(id) ?? 1) - 1)
    return pieces.filter(({ id }) => {
      const isUnused = this.#references.get(id) === 0
      if (isUnused) this.#references.delete(id)
      return isUnused
    })
  }
}
