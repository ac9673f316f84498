import type { CheckpointBackend, UnchangedObject } from '../../../backend/index.ts'
import type { AttemptId, Manifest, ManifestFile } from '../../../catalog/documents/index.ts'
import { sourceObject } from '../source-object.ts'
import { type FileToMatch, twinToCopy, twinToShare } from './choose-object.ts'

/** An object that `put` may use in place of the bytes of a file. */
export interface ReusableObject extends UnchangedObject {
  /** The attempt whose save wrote the bytes, if the file shares them. */
  readonly writtenBy: AttemptId
}

/** Decides which physical copies a save may share, and learns which ones it does. */
export interface SharingRules {
  /** Whether a file must not share the bytes that an attempt wrote. */
  readonly isTaken: (name: string, writer: AttemptId) => boolean
  readonly onChosen: (name: string, writer: AttemptId) => void
}

/** The stored files that a save may use again, and how many bytes it did not have to send. */
export class Reuse {
  /** Bytes of files that were copied by the service or share stored bytes. */
  bytes = 0
  readonly #backend: CheckpointBackend
  readonly #kept: readonly Manifest[]
  readonly #rules: SharingRules | undefined
  readonly #files = new Map<Manifest, ReadonlyMap<string, ManifestFile>>()

  /** `kept` are the manifests to choose from, the latest first. With `rules` files share bytes; without, a service copies them. */
  constructor(backend: CheckpointBackend, kept: readonly Manifest[], rules?: SharingRules) {
    this.#backend = backend
    this.#kept = kept
    this.#rules = rules
  }

  /** Returns the object that may have the bytes of a file. */
  of(file: FileToMatch): ReusableObject | undefined {
    const rules = this.#rules
    const twin =
      rules === undefined
        ? twinToCopy(file, this.#kept[0], this.#filesOf)
        : twinToShare(file, this.#kept, this.#filesOf, (writer) => rules.isTaken(file.name, writer))
    const object = twin && sourceObject(this.#backend, twin.attempt, twin.file)
    if (twin === undefined || object === undefined) return undefined
    rules?.onChosen(file.name, twin.writtenBy)
    return { object, writtenBy: twin.writtenBy }
  }

  readonly #filesOf = (manifest: Manifest): ReadonlyMap<string, ManifestFile> => {
    const known = this.#files.get(manifest)
    if (known !== undefined) return known
    const files = new Map(manifest.files.map((file) => [file.name, file]))
    this.#files.set(manifest, files)
    return files
  }
}
