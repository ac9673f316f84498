import type { PagedCatalog } from '../../catalog/pages/index.ts'
import { HoldfastError } from '../../errors.ts'

/**
 * Throws `CORRUPT` if a store lists no checkpoint, and has quarantined or abandoned ones. It is not that of a fresh run, and the
 * next save would drop what was abandoned.
 */
export function refuseToStartFromNothing({
  quarantined,
  abandoned = [],
}: Pick<PagedCatalog, 'quarantined' | 'abandoned'>): void {
  const causes = [
    ...causeOf(
      quarantined.map(({ entry }) => entry.step),
      'quarantined because it is corrupt',
      'quarantined because they are corrupt',
    ),
    ...causeOf(
      abandoned.map(({ step }) => step),
      'abandoned by a rewind',
      'abandoned by rewinds',
    ),
  ]
  if (causes.length === 0) return
  throw new HoldfastError(
    'CORRUPT',
    `No good checkpoint is left: ${causes.join(', and ')}. Restore one that was abandoned by its number, verify those that ` +
      'are quarantined, or delete all of them to start from nothing.',
    { hint: { kind: 'list' } },
  )
}

function causeOf(steps: readonly number[], one: string, several: string): readonly string[] {
  if (steps.length === 0) return []
  return steps.length === 1 ? [`step ${steps[0]} is ${one}`] : [`steps ${steps.join(', ')} are ${several}`]
}
