import type { SourceObject } from './byte-source.ts'

/**
 * The backends that an adapter has opened, with its own data of each. So `put` of one backend recognises an object of another
 * backend of the same adapter, and copies it without reading it. A backend that is no longer referenced is forgotten.
 */
export class KnownBackends<Data extends object> {
  readonly #data = new WeakMap<object, Data>()

  add(backend: object, data: Data): void {
    this.#data.set(backend, data)
  }

  /** Returns the data of the backend of an object; `undefined` if another adapter opened it. */
  of({ backend }: Pick<SourceObject, 'backend'>): Data | undefined {
    return this.#data.get(backend)
  }
}
