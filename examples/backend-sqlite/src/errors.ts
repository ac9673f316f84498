import {
  commonMeanings,
  fromNodeError,
  type HoldfastError,
  type Meanings,
  messageOf,
  permissionDenied,
  type RequestInfo,
  storeError,
  unavailable,
} from '@holdfast/core/backend'

/** Result codes that a caller can act on: https://sqlite.org/rescode.html. */
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

const inTheWay = unavailable(
  'Another process has locked the database. Wait until it has finished, and try again.',
)

const meanings: Meanings = {
  SQLITE_PERM: permissionDenied('This user may not open the database file. Change its permissions.'),
  SQLITE_BUSY: inTheWay,
  SQLITE_LOCKED: inTheWay,
  SQLITE_READONLY: permissionDenied(
    'The database file, its folder or its file system is read-only. Make it writable.',
  ),
  SQLITE_IOERR: unavailable('The disk failed. Check its health.'),
  SQLITE_CORRUPT: { code: 'CORRUPT', advice: 'The database file is damaged. Restore it from a backup.' },
  SQLITE_FULL: commonMeanings.full,
  SQLITE_CANTOPEN: permissionDenied(
    'The database file cannot be opened. Check that its folder exists and is writable.',
  ),
  SQLITE_TOOBIG: {
    code: 'INVALID_ARGUMENT',
    advice: 'A value is larger than SQLite allows. Use smaller objects.',
  },
  SQLITE_NOTADB: { code: 'CONFIG', advice: 'The file is not an SQLite database. Name another file.' },
}

/** Turns an error of SQLite or Node.js into an error of the port. */
export function errorOf(error: unknown, request: RequestInfo, url: string): HoldfastError {
  const number = resultCode(error)
  if (number === undefined && error instanceof Error && 'syscall' in error)
    return fromNodeError(error, request.what, { key: request.key, url })
  const name = names[number ?? 0] ?? 'Error'
  return storeError(error, { name, status: undefined, message: messageOf(error) }, meanings, request, url)
}

/** Returns the primary result code, which is the lowest eight bits: https://sqlite.org/rescode.html#pve. */
function resultCode(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('errcode' in error)) return undefined
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined
}
