import { constants } from 'node:fs'
import { type CheckpointBackend } from '@holdfast/core'
import { describeConformance, type Subject } from '@holdfast/conformance'
import { createFsFromVolume, Volume } from 'memfs'
import { describe, test } from 'vitest'
import { FileBackend, type FileSystem } from '../src/index.ts'
import { creatingReadOnly } from './read-only-files.ts'
import { systemError } from './recording.ts'

const fileSystems = new WeakMap<CheckpointBackend, FileSystem>()

function backendOn(fileSystem: FileSystem): FileBackend {
  const backend = new FileBackend('/store', { fileSystem })
  fileSystems.set(backend, fileSystem)
  return backend
}

const subject: Subject = {
  open: async () => {
    const { promises } = createFsFromVolume(new Volume())
    const fileSystem = creatingReadOnly(promises as unknown as FileSystem)
    return backendOn({
      ...fileSystem,
      copyFile: (from, to, mode = 0) =>
        // The source files are on the real file system, so they cannot be cloned to this one.
        (mode & constants.COPYFILE_FICLONE_FORCE) === 0
          ? fileSystem.copyFile(from, to, constants.COPYFILE_EXCL)
          : Promise.reject(systemError('ENOSYS')),
    })
  },
  reopen: async (backend) => backendOn(fileSystems.get(backend) ?? (await import('node:fs/promises'))),
  partBytes: 4 * 2 ** 20,
  unsteady: {
    'a key gets a new revision each time it is stored, also after a delete':
      'memfs reuses inode numbers at once, and its clock has a resolution of one millisecond',
  },
}

describeConformance({ describe, test }, 'FileBackend on another file system, in memory,', subject)
