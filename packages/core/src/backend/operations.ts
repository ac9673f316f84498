import type { CheckpointBackend } from './backend.ts'

/** The name of a method of the port that sends requests to the store. */
export type PortMethod = Exclude<keyof CheckpointBackend, 'url' | 'capabilities' | 'close'>

/** The parameters of a method of the port, with options that are always passed. */
type Given<Method extends PortMethod> = Required<Parameters<CheckpointBackend[Method]>>

/** The methods that only some stores support. */
type OptionalMethod = 'setHold'

/** The methods of the port. They get valid keys and known options. */
export type PortOperations = {
  readonly [Method in Exclude<PortMethod, OptionalMethod>]: (
    ...given: Given<Method>
  ) => ReturnType<CheckpointBackend[Method]>
} & {
  readonly [Method in OptionalMethod]?: (...given: Given<Method>) => ReturnType<CheckpointBackend[Method]>
}

/** The methods of the port, with the store as their first parameter. */
export type OperationsOn<Store> = {
  readonly [Method in Exclude<PortMethod, OptionalMethod>]: (
    store: Store,
    ...given: Given<Method>
  ) => ReturnType<CheckpointBackend[Method]>
} & {
  readonly [Method in OptionalMethod]?: (
    store: Store,
    ...given: Given<Method>
  ) => ReturnType<CheckpointBackend[Method]>
}

type Last<Items extends readonly unknown[]> = Items extends readonly [...unknown[], infer Item] ? Item : never

/** The options of each method. A compiler error names an option that the port has and this list lacks. */
const options: {
  readonly [Method in PortMethod]: Readonly<Record<keyof Last<Given<Method>>, true>>
} = {
  place: { signal: true },
  put: {
    size: true,
    contentType: true,
    onProgress: true,
    observe: true,
    pace: true,
    resume: true,
    unchanged: true,
    beforeVisible: true,
    onVisible: true,
    signal: true,
  },
  commit: { onCreated: true, beforeVisible: true, signal: true },
  read: { range: true, newConnection: true, signal: true },
  stat: { signal: true },
  list: { startAfter: true, limit: true, mayOmit: true, signal: true },
  delete: { signal: true },
  hash: { signal: true },
  setHold: { on: true, signal: true },
  freeSpace: { signal: true },
  sweep: { olderThan: true, prefix: true, only: true, mayOmit: true, dryRun: true, signal: true },
}

/** Returns the names of the options that a method of the port takes. */
export function optionsOf(method: PortMethod): readonly string[] {
  return Object.keys(options[method])
}
