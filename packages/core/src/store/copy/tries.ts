import { agreementKey, type AgreementName, agreementName } from '../../catalog/documents/index.ts'
import { type AgreementContext, listAgreements } from '../agreements/agree.ts'
import { copiesFolder } from '../agreements/copies.ts'

/** How many agreements one request deletes. */
const deletedAtOnce = 64

/**
 * The tries at copies to one destination. They are listed once for all copies of a call, so another process may have begun a
 * later try since. Then a copy looks at an earlier try first, finds that it has ended, and goes on to the next number.
 */
export class CopyTries {
  readonly #context: AgreementContext
  #latest: Promise<Map<AgreementName, number>> | undefined
  /** Agreements on tries that no copier needs any more. */
  #ended: AgreementName[] = []

  constructor(context: AgreementContext) {
    this.#context = context
  }

  /** Returns the number of the last try at a copy, or 1. */
  async latest(copy: AgreementName, signal: AbortSignal | undefined): Promise<number> {
    const listed = (this.#latest ??= this.#list(signal))
    listed.catch(() => {
      this.#latest = undefined
    })
    return (await listed).get(copy) ?? 1
  }

  /** Notes that the try with this number was committed. The attempts of earlier tries are dead. Deletes agreements now and then. */
  async end(copy: AgreementName, number: number): Promise<void> {
    for (let ended = 1; ended <= number; ended += 1) this.#ended.push(agreementName(copy, ended))
    if (this.#ended.length >= deletedAtOnce) await this.forget()
  }

  /** Deletes the agreements on all tries that have ended. */
  async forget(): Promise<void> {
    const ended = this.#ended.splice(0)
    if (ended.length > 0) await this.#context.backend.delete(ended.map(agreementKey))
  }

  async #list(signal: AbortSignal | undefined): Promise<Map<AgreementName, number>> {
    const latest = new Map<AgreementName, number>()
    for await (const name of listAgreements(this.#context.backend, `${copiesFolder}/`, { signal })) {
      const slash = name.lastIndexOf('/')
      const number = Number(name.slice(slash + 1))
      if (!Number.isSafeInteger(number)) continue
      const copy = agreementName(name.slice(0, slash))
      latest.set(copy, Math.max(number, latest.get(copy) ?? 1))
    }
    return latest
  }
}
