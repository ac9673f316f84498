import type { CheckpointBackend, UnchangedObject } from '../../../backend/index.ts'
import type { AttemptId, Manifest, ManifestFile } from '../../../catalog/documents/index.ts'
import { sourceObject } from '../source-object.ts'
import { type FileToMatch, twinToCopy, twinToShare } from './choose-object.ts'

/** An object that `put` may use in place of the bytes of a file. */
export interface ReusableObject extends UnchangedObject {
  /** The attempt whose save wrote the bytes, if the file shares them. */
  readonly writtenBy: AttemptId
}

/** The stored files that a save may use again, and how many bytes it did not have to send. */
export class Reuse {
  /** Bytes of files that were copied by the service or share stored bytes. */
  bytes = 0
  readonly #backend: CheckpointBackend
  readonly #kept: readonly Manifest[]
  readonly #files = new Map<Manifest, ReadonlyMap<string, ManifestFile>>()

  /** `kept` are the manifests to choose from, the latest first. */
  constructor(backend: CheckpointBackend, kept: readonly Manifest[]) {
    this.#backend = backend
    this.#kept = kept
  }

  /** Returns the object that may have the bytes of a file. */
  of(file: FileToMatch): ReusableObject | undefined {
    const twin =
      this.#backend.capabilities.reusesObjects === 'shares'
        ? twinToShare(file, this.#kept, this.#filesOf)
        : twinToCopy(file, this.#kept[0], this.#filesOf)
    const object = twin && sourceObject(this.#backend, twin.attempt, twin.file)
    return twin && object && { object, apart: twin.apart, writtenBy: twin.writtenBy }
  }

  readonly #filesOf = (manifest: Manifest): ReadonlyMap<string, ManifestFile> => {
    const known = this.#files.get(manifest)
    if (known !== undefined) return known
    const files = new Map(manifest.files.map((file) => [file.name, file]))
    this.#files.set(manifest, files)
    return files
  }
}
