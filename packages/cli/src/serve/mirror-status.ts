import type { MirrorStatus } from '@holdfast/core'
import { describeError } from './errors.ts'

/** Returns a status whose errors are plain, because JSON would write them without their messages. */
export function describeMirror(status: MirrorStatus | undefined): unknown {
  if (status === undefined) return undefined
  const { error, failed, ...others } = status
  return {
    ...others,
    error: error && describeError(error),
    failed: failed.map(({ step, error: reason }) => ({ step, error: describeError(reason) })),
  }
}
