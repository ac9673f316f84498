import { type ErrorCode, type ErrorDetails, HoldfastError } from './errors.ts'
import { own } from './input/records.ts'

interface NodeErrorMeaning {
  readonly code: ErrorCode
  readonly advice: string
}

/** The meanings of errors of the operating system, and what the user can do. */
const meanings: Readonly<Record<string, NodeErrorMeaning>> = {
  ENOENT: { code: 'NOT_FOUND', advice: 'The path does not exist.' },
  ENOTDIR: { code: 'NOT_FOUND', advice: 'A part of its path is a file, not a folder.' },
  EEXIST: { code: 'ALREADY_EXISTS', advice: 'It already exists.' },
  EACCES: {
    code: 'PERMISSION_DENIED',
    advice: 'The permissions do not allow it; check the owner and mode of the path.',
  },
  EPERM: {
    code: 'PERMISSION_DENIED',
    advice: 'The permissions do not allow it; check the owner and mode of the path.',
  },
  EROFS: { code: 'PERMISSION_DENIED', advice: 'The file system is mounted read-only.' },
  ENOSPC: { code: 'INSUFFICIENT_SPACE', advice: 'The file system is full. Free some space.' },
  EDQUOT: { code: 'INSUFFICIENT_SPACE', advice: 'The quota is exhausted. Free some space or raise it.' },
  EFBIG: {
    code: 'INSUFFICIENT_SPACE',
    advice: 'The file exceeds the maximum size of the file system or a limit of the process.',
  },
  EMFILE: {
    code: 'UNAVAILABLE',
    advice: 'This process has too many files open; raise its limit (ulimit -n).',
  },
  ENFILE: { code: 'UNAVAILABLE', advice: 'The machine has too many files open.' },
  EBUSY: { code: 'UNAVAILABLE', advice: 'Another program is using it.' },
  EAGAIN: { code: 'UNAVAILABLE', advice: 'The machine is temporarily out of a resource; try again.' },
  ENOMEM: { code: 'UNAVAILABLE', advice: 'The machine is temporarily out of memory; try again.' },
  ETIMEDOUT: { code: 'UNAVAILABLE', advice: 'The file system did not respond in time.' },
  ESTALE: { code: 'UNAVAILABLE', advice: 'The handle of the network file system is stale; try again.' },
  EIO: {
    code: 'UNAVAILABLE',
    advice: 'The device failed to read or write; check its health (dmesg, smartctl).',
  },
  EREMOTEIO: {
    code: 'UNAVAILABLE',
    advice: 'The device failed to read or write; check its health (dmesg, smartctl).',
  },
  ENODATA: {
    code: 'UNAVAILABLE',
    advice: 'The device lost these bytes; check its health (dmesg, smartctl).',
  },
  EILSEQ: { code: 'UNAVAILABLE', advice: 'The device found these bytes damaged; check its health (dmesg).' },
  EBADMSG: { code: 'UNAVAILABLE', advice: 'The file system found these bytes damaged; check it (fsck).' },
  EUCLEAN: { code: 'UNAVAILABLE', advice: 'The file system is damaged; check it (fsck).' },
  ENOMEDIUM: { code: 'UNAVAILABLE', advice: 'The device has no medium.' },
  ENAMETOOLONG: { code: 'INVALID_ARGUMENT', advice: 'The name is too long for this file system.' },
  EINVAL: { code: 'INVALID_ARGUMENT', advice: 'The file system rejects this operation.' },
  EISDIR: { code: 'INVALID_ARGUMENT', advice: 'It is a folder, not a file.' },
  ELOOP: { code: 'INVALID_ARGUMENT', advice: 'A symbolic link is not allowed here. Remove it.' },
  ENXIO: { code: 'INVALID_ARGUMENT', advice: 'It is a socket or a device, not a file.' },
  ENOTSUP: { code: 'UNSUPPORTED', advice: 'The file system does not support this operation.' },
  ENOSYS: { code: 'UNSUPPORTED', advice: 'The file system does not support this operation.' },
}

/**
 * Linux error numbers that Node.js reports only as `Unknown system error -117`
 * (libuv has no names for them: https://docs.libuv.org/en/v1.x/errors.html).
 */
const unnamedOnLinux: Readonly<Record<number, string>> = {
  74: 'EBADMSG',
  116: 'ESTALE',
  117: 'EUCLEAN',
  122: 'EDQUOT',
  123: 'ENOMEDIUM',
}

/**
 * Errors of a read that mean damage if they persist: the device or the file system cannot return the bytes, or
 * something other than a file has taken the file's place.
 */
const unreadable: ReadonlySet<string> = new Set([
  'EIO',
  'EREMOTEIO',
  'ENODATA',
  'EILSEQ',
  'EBADMSG',
  'EUCLEAN',
  'ELOOP',
  'EISDIR',
  'ENXIO',
])

/**
 * Returns the name of a system error, such as `ENOENT`, even if Node.js knows only its number. `platform` is where the error comes
 * from: a number means another error on another platform.
 */
export function nodeErrorCode(
  error: unknown,
  platform: NodeJS.Platform = process.platform,
): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  if (typeof error.code !== 'string') return undefined
  const isUnnamed = error.code.startsWith('Unknown system error') && platform === 'linux'
  if (!isUnnamed || !('errno' in error) || typeof error.errno !== 'number') return error.code
  return unnamedOnLinux[Math.abs(error.errno)] ?? error.code
}

/**
 * Returns whether a failed read means damage if the failure persists. Temporary failures, such as a busy file or a
 * network that does not respond, do not.
 */
export function isUnreadable(error: unknown): boolean {
  const systemCode = nodeErrorCode(error instanceof HoldfastError ? error.cause : error)
  return systemCode !== undefined && unreadable.has(systemCode)
}

/**
 * Converts an error of a file-system call into a Holdfast error. `what` names the call, such as `writing /a/b`. A
 * Holdfast error is returned unchanged. An error that the table does not contain becomes `UNAVAILABLE` and not
 * retryable.
 */
export function fromNodeError(error: unknown, what: string, details: ErrorDetails = {}): HoldfastError {
  if (error instanceof HoldfastError) return error
  const systemCode = nodeErrorCode(error)
  const meaning = systemCode === undefined ? undefined : own(meanings, systemCode)
  if (meaning === undefined) {
    const message = error instanceof Error ? error.message : String(error)
    return new HoldfastError('UNAVAILABLE', `${capitalised(what)} failed: ${message.replace(/\.$/, '')}.`, {
      ...details,
      cause: error,
      retryable: false,
    })
  }
  return new HoldfastError(
    meaning.code,
    `${capitalised(what)} failed (${systemCode ?? ''}). ${meaning.advice}`,
    {
      ...details,
      cause: error,
    },
  )
}

/**
 * As `fromNodeError`, for a path that the caller named. A path that does not exist or leads through a file is then
 * `INVALID_ARGUMENT`, because the other codes speak of the store.
 */
export function fromPathError(error: unknown, what: string): HoldfastError {
  const failure = fromNodeError(error, what)
  if (failure.code !== 'NOT_FOUND') return failure
  return new HoldfastError('INVALID_ARGUMENT', failure.message, { cause: error })
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
