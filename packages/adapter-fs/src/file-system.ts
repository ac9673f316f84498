import type * as promises from 'node:fs/promises'

/**
 * The part of `node:fs/promises` that the adapter uses. Every effect of the adapter goes through it, so that a test can
 * record, delay, fail or truncate each effect.
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
