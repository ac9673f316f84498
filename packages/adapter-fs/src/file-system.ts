import type * as promises from 'node:fs/promises'

/**
 * What the adapter needs of a file system: a part of `node:fs/promises`. Every effect of the adapter goes through
 * it, so that a test can record, delay, fail or cut each.
 */
export type FileSystem = Pick<
  typeof promises,
  | 'chmod'
  | 'copyFile'
  | 'link'
  | 'lstat'
  | 'mkdir'
  | 'open'
  | 'readdir'
  | 'rename'
  | 'rmdir'
  | 'stat'
  | 'statfs'
  | 'unlink'
>
