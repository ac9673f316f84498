import { HoldfastError } from '../../errors.ts'
import type { ErrorHint } from '../../hints.ts'
import { catalogKey } from '../documents/index.ts'
import type { PagedCatalog } from '../pages/index.ts'
import type { Verdict } from './rules/index.ts'

/** The error of a commit that the rules refuse. */
export function refusal(
  verdict: Exclude<Verdict, { kind: 'next' | 'committed' }>,
  url: string,
): HoldfastError {
  if (verdict.kind === 'fenced') return fenced(verdict.why, url, verdict.hint)
  if (verdict.kind === 'unknown') {
    return new HoldfastError(
      'OUTCOME_UNKNOWN',
      'A repair of a damaged catalog found this save before its commit. It is not known whether the checkpoint stays. ' +
        'If it is listed, verify it. If it is not, save it again under another step.',
      { url, hint: { kind: 'list' } },
    )
  }
  return new HoldfastError(verdict.code, verdict.why, { url, hint: verdict.hint })
}

/** The error of a commit that this writer may not make, because the store has another owner or had one since. */
export function fenced(why: string, url: string, hint?: ErrorHint): HoldfastError {
  return new HoldfastError('FENCED', `Nothing was changed. ${why}`, { url, hint })
}

/** The error of a commit whose response was lost and whose outcome could not be found out. */
export function unknownOutcome(catalog: PagedCatalog, cause: unknown, url: string): HoldfastError {
  const did = catalog.history.at(-1)?.did ?? 'the change'
  return new HoldfastError(
    'OUTCOME_UNKNOWN',
    `It is not known whether "${did}" was committed: the response was lost. Nothing was deleted. ` +
      `It was committed if version ${catalog.version} of the catalog has the commit id ${catalog.commitId}. ` +
      'If not, repeat the call when the store responds.',
    { url, key: catalogKey(catalog.version), cause, hint: { kind: 'list' } },
  )
}

/** The error of a version whose page is gone although no newer version exists. */
export function pageVanished({ version }: PagedCatalog, cause: HoldfastError, url: string): HoldfastError {
  return new HoldfastError(
    'CORRUPT',
    `Version ${version} of the catalog refers to a page that no longer exists.`,
    {
      url,
      key: cause.key,
      cause,
      hint: { kind: 'repair' },
    },
  )
}
