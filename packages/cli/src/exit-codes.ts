import type { ErrorCode } from '@holdfast/core'

/** What the process tells its caller. Frozen: a number keeps its meaning for good. */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  partly: 3,
  notFound: 4,
  corrupt: 5,
  conflict: 6,
  unknown: 7,
  noSpace: 8,
  noPermission: 9,
  interrupted: 130,
  terminated: 143,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

export const exitCodesHelp = `Exit codes (a number keeps its meaning for good; treat one that is not listed as a failure):
    0  done
    1  failed
    2  usage: the command line or the configuration is wrong
    3  done in part: something was left behind or could not be deleted
    4  not found: no such checkpoint, file or store
    5  corrupt: bytes are not what was saved
    6  another writer won: the step exists, or the store was taken over
    7  outcome unknown: it may or may not have been committed; look with "holdfast ls"
    8  no space: nothing was written
    9  no permission
  130  interrupted (Ctrl-C)
  143  terminated`

const byError: Readonly<Record<ErrorCode, ExitCode>> = {
  NOT_FOUND: exitCodes.notFound,
  ALREADY_EXISTS: exitCodes.conflict,
  FENCED: exitCodes.conflict,
  OUTCOME_UNKNOWN: exitCodes.unknown,
  CORRUPT: exitCodes.corrupt,
  INSUFFICIENT_SPACE: exitCodes.noSpace,
  ABORTED: exitCodes.interrupted,
  UNAVAILABLE: exitCodes.failed,
  PERMISSION_DENIED: exitCodes.noPermission,
  UNSUPPORTED: exitCodes.failed,
  INVALID_ARGUMENT: exitCodes.usage,
  CONFIG: exitCodes.usage,
}

export function exitCodeOf(code: ErrorCode): ExitCode {
  return byError[code]
}
