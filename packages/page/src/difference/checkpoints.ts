import type { CheckpointDetails, CheckpointFile, TensorsOfFile } from '@holdfast/core'
import { changesOnly, type Difference, differences } from './difference.ts'

/** A tensor without its numbers. */
export interface ComparedTensor {
  readonly type: string
  readonly shape: readonly number[]
}

/** How two checkpoints differ. Items that are the same are left out, except files. */
export interface CheckpointDifference {
  readonly files: readonly Difference<Pick<CheckpointFile, 'size' | 'sha256'>>[]
  readonly metrics: readonly Difference<number>[]
  readonly tags: readonly Difference<true>[]
  /** The members of the metadata. Metadata that is not an object is one item without a name. */
  readonly metadata: readonly Difference<unknown>[]
  /** Whether the position in the data is the same. */
  readonly hasSameDataState: boolean
}

/** Compares two checkpoints. Files are the same if their digests are. */
export function differenceOf(before: CheckpointDetails, after: CheckpointDetails): CheckpointDifference {
  const [dataState] = differences(membersOf(before.dataState, ''), membersOf(after.dataState, ''))
  return {
    files: differences(filesOf(before), filesOf(after), (one, other) => one.sha256 === other.sha256),
    metrics: changesOnly(differences(entriesOf(before.metrics), entriesOf(after.metrics))),
    tags: changesOnly(differences(tagsOf(before), tagsOf(after))),
    metadata: changesOnly(differences(objectOf(before.metadata), objectOf(after.metadata))),
    hasSameDataState: dataState === undefined || dataState.change === 'unchanged',
  }
}

/**
 * Compares the tensors of two checkpoints by their names, types and shapes, whatever the file. A name that several files
 * of a checkpoint use is compared together with the name of the file.
 */
export function tensorDifferences(
  before: readonly TensorsOfFile[],
  after: readonly TensorsOfFile[],
): readonly Difference<ComparedTensor>[] {
  const ambiguous = new Set([...repeatedNames(before), ...repeatedNames(after)])
  return differences(tensorsOf(before, ambiguous), tensorsOf(after, ambiguous))
}

function filesOf({ files }: CheckpointDetails): ReadonlyMap<string, Pick<CheckpointFile, 'size' | 'sha256'>> {
  return new Map(files.map(({ name, size, sha256 }) => [name, { size, sha256 }]))
}

function tagsOf({ tags }: CheckpointDetails): ReadonlyMap<string, true> {
  return new Map(tags.map((tag) => [tag, true]))
}

function entriesOf<Value>(record: Readonly<Record<string, Value>>): ReadonlyMap<string, Value> {
  return new Map(Object.entries(record))
}

function objectOf(value: unknown): ReadonlyMap<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? new Map(Object.entries(value))
    : membersOf(value, '')
}

function membersOf(value: unknown, name: string): ReadonlyMap<string, unknown> {
  return value === undefined ? new Map() : new Map([[name, value]])
}

interface NamedTensor extends ComparedTensor {
  readonly file: string
  readonly name: string
}

function allTensors(files: readonly TensorsOfFile[]): readonly NamedTensor[] {
  return files.flatMap((each) =>
    'tensors' in each ? each.tensors.map((tensor) => ({ file: each.file, ...tensor })) : [],
  )
}

function repeatedNames(files: readonly TensorsOfFile[]): readonly string[] {
  const seen = new Set<string>()
  return allTensors(files).flatMap(({ name }) => {
    if (seen.has(name)) return [name]
    seen.add(name)
    return []
  })
}

function tensorsOf(
  files: readonly TensorsOfFile[],
  ambiguous: ReadonlySet<string>,
): ReadonlyMap<string, ComparedTensor> {
  return new Map(
    allTensors(files).map(({ file, name, type, shape }) => [
      ambiguous.has(name) ? `${file}: ${name}` : name,
      { type, shape },
    ]),
  )
}
