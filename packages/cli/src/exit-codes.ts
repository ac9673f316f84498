import type { ErrorCode } from '@holdfast/core'

/** Exit codes of the process. A number never changes its meaning. */
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
  incomplete: 10,
  tooOld: 11,
  interrupted: 130,
  terminated: 143,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** The exit code of a program that Holdfast ran. */
export interface ProgramExitCode {
  readonly ofProgram: number
}

/** What a command exits with: a code of Holdfast, or that of the program that it ran. */
export type CommandExitCode = ExitCode | ProgramExitCode

export function numberOf(code: CommandExitCode): number {
  return typeof code === 'object' ? code.ofProgram : code
}

export const exitCodesHelp = `Exit codes ("run" exits with that of its program; otherwise a code never changes its meaning; treat an unlisted code as a failure):
    0  done
    1  failed
    2  usage: the command line, a request or the configuration is invalid
    3  partly done: some files could not be deleted, or the runs are still over the budget
    4  not found: the checkpoint, file or store does not exist
    5  corrupt: the bytes differ from the saved bytes
    6  conflict: the step exists, or another writer owns the store
    7  outcome unknown: the change may be committed or not; check with "holdfast ls"
    8  no space: nothing of this checkpoint remains
    9  no permission
   10  incomplete: other ranks did not join, verify their files or deliver their parts in time
   11  too old: the latest checkpoint, or that of the mirror, is older than --max-age
  130  interrupted (Ctrl-C)
  143  terminated`

/** The exit code of each error. A signal can change that of `ABORTED`. */
export const exitCodeByError: Readonly<Record<ErrorCode, ExitCode>> = {
  NOT_FOUND: exitCodes.notFound,
  ALREADY_EXISTS: exitCodes.conflict,
  FENCED: exitCodes.conflict,
  INCOMPLETE: exitCodes.incomplete,
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
  return exitCodeByError[code]
}
