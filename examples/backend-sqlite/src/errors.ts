import {
  type RequestInfo,
  commonMeanings,
  denied,
  fromNodeError,
  type HoldfastError,
  type Meanings,
  messageOf,
  storeError,
  unavailable,
} from '@holdfast/core'

/** The codes of SQLite (sqlite.org/rescode.html) that have a meaning to a caller. */
const names: Readonly<Record<number, string>> = {
  3: 'SQLITE_PERM',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  18: 'SQLITE_TOOBIG',
  26: 'SQLITE_NOTADB',
}

const inTheWay = unavailable('Another process is using the database, and does not let go of it.')

const meanings: Meanings = {
  SQLITE_PERM: denied('This user may not open the file.'),
  SQLITE_BUSY: inTheWay,
  SQLITE_LOCKED: inTheWay,
  SQLITE_READONLY: denied('The file, its folder or its file system is read-only.'),
  SQLITE_IOERR: unavailable('The disk failed: check its health.'),
  SQLITE_CORRUPT: { code: 'CORRUPT', advice: 'The file of the database is damaged.' },
  SQLITE_FULL: commonMeanings.full,
  SQLITE_CANTOPEN: denied('The file cannot be opened: check its folder, and who may write there.'),
  SQLITE_TOOBIG: { code: 'INVALID_ARGUMENT', advice: 'That is more than the database takes.' },
  SQLITE_NOTADB: { code: 'CONFIG', advice: 'The file is not a database of SQLite.' },
}

/** The error of a call in the terms of the port. */
export function errorOf(error: unknown, asked: RequestInfo, url: string): HoldfastError {
  const number = resultCode(error)
  if (number === undefined && error instanceof Error && 'syscall' in error)
    return fromNodeError(error, asked.what, { key: asked.key, url })
  const name = names[number ?? 0] ?? 'Error'
  return storeError(error, { name, status: undefined, message: messageOf(error) }, meanings, asked, url)
}

/** The lowest eight bits are the code, the others tell more of it. */
function resultCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}
