import { withSecondLook } from '../../async/second-look.ts'
import type { CheckpointBackend } from '../../backend/index.ts'
import {
  type Agreement,
  agreementKey,
  type AgreementName,
  agreementOfKey,
  agreementsPrefix,
  decodeAgreement,
  encodeAgreement,
  newAgreement,
} from '../../catalog/documents/index.ts'
import { readIfThere } from '../../catalog/documents/read-document.ts'
import type { Environment } from '../../environment.ts'
import { isHoldfastError } from '../../errors.ts'

/** The parts of a store that agreements require. A `StoreContext` has them. */
export interface AgreementContext {
  readonly backend: CheckpointBackend
  readonly environment: Pick<Environment, 'newId'>
}

/**
 * Creates an agreement if it is absent, and returns the agreement that the store holds. Every caller gets the same
 * proposal: that of the first caller. So a caller MUST continue with the returned proposal, never with its own.
 *
 * Returns `undefined` if the store holds none afterwards: the response to the creation was lost and nothing was created,
 * or the agreement was swept. A proposal depends on what its caller has read, so the caller MUST read that again (such as
 * the catalog) before it proposes again.
 *
 * Rejects with `CORRUPT` if the agreement is damaged.
 */
export async function agree(
  context: AgreementContext,
  name: AgreementName,
  proposal: unknown,
  signal?: AbortSignal,
): Promise<Agreement | undefined> {
  const { backend, environment } = context
  const own = newAgreement(name, environment.newId(), proposal)
  try {
    const outcome = await backend.commit(agreementKey(name), encodeAgreement(own), { signal })
    if (outcome === 'created') return own
  } catch (error) {
    if (!isHoldfastError(error, 'OUTCOME_UNKNOWN')) throw error
  }
  return readAgreement(backend, name, signal)
}

/** Returns an agreement; `undefined` if the store holds none. Rejects with `CORRUPT` if it is damaged. */
export async function readAgreement(
  backend: CheckpointBackend,
  name: AgreementName,
  signal?: AbortSignal,
): Promise<Agreement | undefined> {
  return withSecondLook(async (look) => {
    const bytes = await readIfThere(backend, agreementKey(name), signal, look)
    return bytes === undefined ? undefined : decodeAgreement(bytes, name)
  })
}

/** Lists the names of the agreements that begin with `prefix` (plain text), in key order. Ignores foreign keys. */
export async function* listAgreements(
  backend: CheckpointBackend,
  prefix: string,
  { after, signal }: { readonly after?: string | undefined; readonly signal?: AbortSignal | undefined } = {},
): AsyncGenerator<AgreementName> {
  const startAfter = after === undefined ? undefined : `${agreementsPrefix}${after}`
  for await (const { key } of backend.list(`${agreementsPrefix}${prefix}`, { startAfter, signal })) {
    const name = agreementOfKey(key)
    if (name !== undefined) yield name
  }
}
