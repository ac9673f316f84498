import { basename, resolve } from 'node:path'
import { refuseUnknownOptions } from '../../input/unknown-options.ts'
import { compareKeys, isFileSource } from '../../backend/index.ts'
import { isCount } from '../../catalog/documents/index.ts'
import { assertFileNames } from '../../catalog/documents/file-names.ts'
import { HoldfastError } from '../../errors.ts'
import type { StoreFolder } from '../../local-files/store-folders.ts'
import type { PlannedFile } from '../attempts/content.ts'
import type { Named } from './entries.ts'
import { exclusionsOf } from './exclusions.ts'
import { type ExpectedStream, type FileContent, type FilesToSave, isListOfPaths } from './request.ts'
import { type FoundFile, Walk } from './walk.ts'
import { warningsAbout } from './warnings.ts'
import { membersOf } from '../../input/records.ts'

export interface PlanOptions {
  /** The folders of the store and of its mirror on this machine. Default: none. */
  readonly storeFolders?: readonly StoreFolder[] | undefined
  /** Patterns of files and folders to exclude. */
  readonly exclude?: readonly string[] | undefined
  readonly signal?: AbortSignal | undefined
  /** Whether there may be no file: a rank of a job may have none of its own. Default: false. */
  readonly mayBeEmpty?: boolean | undefined
  /** Maximum number of files and folders. Default: 200,000. */
  readonly mostEntries?: number | undefined
  /** The platform of the files. Default: that of this process. */
  readonly platform?: NodeJS.Platform | undefined
}

/** The files that a save will write. */
export interface SavePlan {
  /** The files in the order of the UTF-8 bytes of their names. */
  readonly files: readonly PlannedFile[]
  /** Properties of the files that the checkpoint does not preserve, as sentences. */
  readonly warnings: readonly string[]
}

/**
 * Returns every file that a save will write, with its size if that is known. Walks folders and follows links. Rejects with
 * `INVALID_ARGUMENT` for paths that do not exist, for files that cannot be saved, and for a folder that contains the store or its mirror.
 */
export async function planFiles(files: FilesToSave, options: PlanOptions = {}): Promise<SavePlan> {
  const { storeFolders = [], exclude = [], signal, mayBeEmpty = false, mostEntries = 200_000 } = options
  const { platform = process.platform } = options
  const excludes = await exclusionsOf(exclude, 'exclude')
  const walk = new Walk({ storeFolders, signal, excludes, mostEntries })
  const given: PlannedFile[] = []
  const paths: Named[] = []
  for (const [name, content] of named(files)) {
    if (typeof content === 'string') paths.push({ name, path: content })
    else if (content instanceof Uint8Array) given.push({ name, source: content, size: content.byteLength })
    else if (!isObject(content)) throw noSource(name)
    else if (Symbol.asyncIterator in content) given.push({ name, source: content, size: undefined })
    else if ('stream' in content) given.push(expectedStream(name, content))
    else if (isFileSource(content)) paths.push({ name, path: content.path })
    else throw noSource(name)
  }
  await walk.add(paths)
  const planned = [...given, ...walk.files.map((file) => plannedFile(file, platform))]
  if (planned.length === 0 && !mayBeEmpty) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      'A checkpoint must have at least one file, but there is none to save.',
    )
  }
  assertFileNames(planned.map(({ name }) => name))
  return {
    files: planned.toSorted((one, other) => compareKeys(one.name, other.name)),
    warnings: warningsAbout(walk),
  }
}

function expectedStream(name: string, { stream, size, sha256, ...others }: ExpectedStream): PlannedFile {
  refuseUnknownOptions(others, [], `The file ${JSON.stringify(name)}`)
  if (!isObject(stream) || !(Symbol.asyncIterator in stream)) throw noSource(name)
  if (size !== undefined && !isCount(size)) throw notExpected(name, 'size', 'an integer of at least 0')
  if (sha256 !== undefined && !/^[0-9a-f]{64}$/.test(sha256))
    throw notExpected(name, 'sha256', '64 lower-case hexadecimal digits')
  return { name, source: stream, size, sha256 }
}

function notExpected(name: string, member: string, kind: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `${member} of the file ${JSON.stringify(name)} must be ${kind}.`,
  )
}

function named(files: FilesToSave): readonly (readonly [string, FileContent])[] {
  if (typeof files === 'string') return [[basename(resolve(files)), files]]
  if (isListOfPaths(files)) return files.map((path) => [basename(resolve(path)), path])
  return membersOf(files, 'files')
}

/** Windows has no permission bits. Node.js invents them there. */
function plannedFile({ name, path, stats }: FoundFile, platform: NodeJS.Platform): PlannedFile {
  const mode = platform === 'win32' ? undefined : Number(stats.mode) & 0o777
  return { name, source: { path }, size: Number(stats.size), mode }
}

/** Callers in JavaScript can pass any value. */
function isObject(content: unknown): boolean {
  return typeof content === 'object' && content !== null
}

function noSource(name: string): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `The file ${JSON.stringify(name)} must be a path, bytes (Uint8Array) or a stream of bytes.`,
  )
}
