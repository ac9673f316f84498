import type * as promises from 'node:fs/promises'

/** The functions of `node:fs/promises` that a restore calls. Tests can record, fail or stop each call. */
export type LocalFileSystem = Pick<
  typeof promises,
  | 'access'
  | 'link'
  | 'lstat'
  | 'mkdir'
  | 'open'
  | 'readdir'
  | 'readFile'
  | 'readlink'
  | 'realpath'
  | 'rename'
  | 'rmdir'
  | 'stat'
  | 'symlink'
  | 'unlink'
>
