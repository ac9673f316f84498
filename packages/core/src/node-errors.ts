import { type ErrorCode, type ErrorDetails, HoldfastError } from './errors.ts'

interface NodeErrorMeaning {
  readonly code: ErrorCode
  readonly advice: string
}

/** What the errors of the operating system mean to us, and what the user can do. */
const meanings: Readonly<Record<string, NodeErrorMeaning>> = {
  ENOENT: { code: 'NOT_FOUND', advice: 'It is not there.' },
  ENOTDIR: { code: 'NOT_FOUND', advice: 'A part of its path is a file, not a folder.' },
  EEXIST: { code: 'ALREADY_EXISTS', advice: 'Something is already there.' },
  EACCES: {
    code: 'PERMISSION_DENIED',
    advice: 'This user may not do that; check the owner and mode of the path.',
  },
  EPERM: {
    code: 'PERMISSION_DENIED',
    advice: 'This user may not do that; check the owner and mode of the path.',
  },
  EROFS: { code: 'PERMISSION_DENIED', advice: 'The file system is mounted read-only.' },
  ENOSPC: { code: 'INSUFFICIENT_SPACE', advice: 'The file system is full. Free some space.' },
  EDQUOT: { code: 'INSUFFICIENT_SPACE', advice: 'The quota is used up. Free some space or raise it.' },
  EFBIG: { code: 'INSUFFICIENT_SPACE', advice: 'The file is larger than the file system or a limit allows.' },
  EMFILE: {
    code: 'UNAVAILABLE',
    advice: 'This process has too many files open; raise its limit (ulimit -n).',
  },
  ENFILE: { code: 'UNAVAILABLE', advice: 'The machine has too many files open.' },
  EBUSY: { code: 'UNAVAILABLE', advice: 'Another program holds it.' },
  EAGAIN: { code: 'UNAVAILABLE', advice: 'The machine is short of something for the moment; try again.' },
  ETIMEDOUT: { code: 'UNAVAILABLE', advice: 'The file system did not answer in time.' },
  ESTALE: { code: 'UNAVAILABLE', advice: 'The network file system lost track of it; try again.' },
  EIO: {
    code: 'UNAVAILABLE',
    advice: 'The device failed to read or write; check its health (dmesg, smartctl).',
  },
  ENAMETOOLONG: { code: 'INVALID_ARGUMENT', advice: 'The name is too long for this file system.' },
  EINVAL: { code: 'INVALID_ARGUMENT', advice: 'The file system does not take this.' },
  EISDIR: { code: 'INVALID_ARGUMENT', advice: 'It is a folder, not a file.' },
  ELOOP: { code: 'INVALID_ARGUMENT', advice: 'A symbolic link stands where none may.' },
  ENOTSUP: { code: 'UNSUPPORTED', advice: 'The file system cannot do this.' },
  ENOSYS: { code: 'UNSUPPORTED', advice: 'The file system cannot do this.' },
}

/** The `code` that Node.js gives its system errors, such as `ENOENT`. */
export function nodeErrorCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

/**
 * Turns what a file-system call threw into a Holdfast error. `what` names the attempt, such as `writing /a/b`.
 * An error that is ours already passes unchanged; one with no entry in the table becomes `UNAVAILABLE` that is
 * not worth trying again.
 */
export function fromNodeError(error: unknown, what: string, details: ErrorDetails = {}): HoldfastError {
  if (error instanceof HoldfastError) return error
  const systemCode = nodeErrorCode(error)
  const meaning = systemCode === undefined ? undefined : meanings[systemCode]
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

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
