import type * as promises from 'node:fs/promises'

/**
 * What a restore needs of the local file system: a part of `node:fs/promises`. A test can record, fail or stop each
 * call.
 */
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
