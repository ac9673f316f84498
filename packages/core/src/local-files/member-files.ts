import * as promises from 'node:fs/promises'
import { access, constants, open, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { HoldfastError } from '../errors.ts'
import { fromNodeError, nodeErrorCode } from '../node-errors.ts'
import { withPatientChanges } from './patient-changes.ts'

/** The member files of this machine, as bytes. Each carries the membership of a rank from one process to the next. */
export interface MemberFiles {
  /** Returns the bytes of a file; `undefined` if it does not exist. */
  read(file: string): Promise<Uint8Array | undefined>
  /** Creates a file, and makes its bytes durable. Returns false if it exists. A process that is killed leaves it damaged. */
  create(file: string, bytes: Uint8Array): Promise<boolean>
  /** Removes a file if it exists, and checks that it can be created. Rejects with `INVALID_ARGUMENT` if its folder is missing. */
  remove(file: string): Promise<void>
}

/** The member files on the disk of this machine. */
export const memberFiles: MemberFiles = {
  read: readMemberBytes,
  create: createMemberBytes,
  remove: (file) => removeMemberBytes(file),
}

async function readMemberBytes(file: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(file)
  } catch (error) {
    if (nodeErrorCode(error) === 'ENOENT') return undefined
    throw fromNodeError(error, `reading the member file ${file}`)
  }
}

async function createMemberBytes(file: string, bytes: Uint8Array): Promise<boolean> {
  try {
    const handle = await open(file, 'wx')
    try {
      await handle.writeFile(bytes)
      await handle.sync()
    } finally {
      await handle.close()
    }
    return true
  } catch (error) {
    if (nodeErrorCode(error) === 'EEXIST') return false
    throw fromNodeError(error, `writing the member file ${file}`)
  }
}

/** The part of a disk that removes a file. Tests can fail it. */
type Disk = Pick<typeof promises, 'unlink'>

export async function removeMemberBytes(
  file: string,
  disk: Disk = process.platform === 'win32' ? withPatientChanges(promises) : promises,
): Promise<void> {
  try {
    await access(dirname(file), constants.W_OK)
    await disk.unlink(file)
  } catch (error) {
    const isGone = nodeErrorCode(error) === 'ENOENT'
    if (isGone && (await isThere(dirname(file)))) return
    if (isGone)
      throw new HoldfastError(
        'INVALID_ARGUMENT',
        `The folder of the member file ${file} does not exist. Create it.`,
      )
    throw fromNodeError(error, `removing the member file ${file}`)
  }
}

async function isThere(folder: string): Promise<boolean> {
  try {
    await access(folder)
    return true
  } catch {
    return false
  }
}
