import type { AttemptId, MirrorRecord } from '../documents/index.ts'

/** Why retention keeps a checkpoint that the mirror does not have yet. */
export const notMirroredYet = 'not mirrored yet'

/** Returns the attempts that retention keeps until the mirror has them: the latest ones that wait, up to `maxBehind`. */
export function protectedUntilMirrored(mirror: MirrorRecord | undefined): ReadonlySet<AttemptId> {
  if (mirror === undefined || mirror.maxBehind === 0) return new Set()
  return new Set(mirror.waiting.slice(-mirror.maxBehind))
}
