import * as promises from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CheckedBackend, withPatientChanges } from '@holdfast/core/backend'
import { chunkBytes } from './chunk-bytes.ts'
import { Cloning } from './clone.ts'
import { commit } from './commit.ts'
import { deleteKeys } from './delete.ts'
import { keyError } from './errors.ts'
import type { FileSystem } from './file-system.ts'
import { FolderSyncs } from './folder-syncs.ts'
import { DurableFolders } from './folders.ts'
import { freeSpace } from './free-space.ts'
import { hash } from './hash.ts'
import { knownNames } from './known-names.ts'
import { list } from './list.ts'
import { Names } from './names.ts'
import { chunksInMemory, put } from './put.ts'
import { openFlagsOn, read, stat } from './read.ts'
import { SeenFolders } from './seen-folders.ts'
import { sweep } from './sweep.ts'

/** Files that wait for the fsync of the same folder share one fsync. */
const smallObjectsAtOnce = 64

/** The file system and the platform of a `FileBackend`, for tests. */
export interface FileBackendOptions {
  /** The file system to use. Default: `node:fs/promises`. */
  readonly fileSystem?: FileSystem | undefined
  /**
   * The platform whose reserved names are rejected, whose open files are waited for, whose folders are synced, and whose flags
   * open a file. Default: the platform of this machine.
   */
  readonly platform?: NodeJS.Platform | undefined
}

/**
 * Stores objects as files below one folder. The key is the path of the file. The first write creates the folder.
 *
 * An object is durable after an `fsync` of its file and of each changed folder, provided that the disk honours `fsync`.
 */
export class FileBackend extends CheckedBackend {
  constructor(
    root: string,
    { fileSystem: given = promises, platform = process.platform }: FileBackendOptions = {},
  ) {
    const fileSystem = platform === 'win32' ? patient(given) : given
    const path = resolve(root)
    const url = pathToFileURL(path).href
    const names = new Names(path, url, platform)
    const seen = new SeenFolders(fileSystem)
    const folders = new DurableFolders(fileSystem, seen, new FolderSyncs(fileSystem, platform))
    const disk = {
      fileSystem,
      names,
      seen,
      folders,
      cloning: new Cloning(),
      openFlags: openFlagsOn(platform),
    }
    super(
      url,
      {
        freeSpace: 'measured',
        hash: 'computed',
        localRoot: path,
        maxKeyBytes: names.maxKeyBytes,
        maxObjectBytes: Number.MAX_SAFE_INTEGER,
        maxBufferedBytes: chunkBytes * chunksInMemory,
        smallObjectsAtOnce,
        resumesPuts: true,
        reusesObjects: 'shares',
        writesAhead: true,
      },
      {
        place: async () => url,
        put: (key, source, options) => put(disk, key, source, options),
        commit: (key, bytes, options) => commit(disk, key, bytes, options),
        read: (key, options) => read(disk, key, options),
        stat: (key) => stat(disk, key),
        list: (prefix, options) => list(disk, prefix, options),
        delete: (keys, options) => deleteKeys(disk, keys, options),
        hash: (key, options) => hash(disk, key, options),
        freeSpace: () => freeSpace(disk),
        sweep: (options) => sweep(disk, options),
        close: () => folders.close(), // all other handles are closed when their call ends
        // A path shows which folder must be corrected.
        errorOf: (error, what, key) =>
          keyError(error, key === undefined ? what : what.replace(key, () => names.path(key)), key, url),
      },
    )
    knownNames.add(this, names)
  }
}

/** Waits for files that another program has open. Nothing waits for an empty folder, which does no harm. */
function patient(fileSystem: FileSystem): FileSystem {
  return { ...withPatientChanges(fileSystem), rmdir: (path) => fileSystem.rmdir(path) }
}
