import { HoldfastError } from '../../errors.ts'
import type { StoreContext } from '../context.ts'
import type { CheckpointChoice } from '../../catalog/judging/choose.ts'
import type { Restored, RestoreOptions } from '../restore/result.ts'
import { planFiles } from '../save/plan.ts'
import type { SaveRequest } from '../save/request.ts'
import type { SaveResult } from '../save/result.ts'
import { occupySlot, passBarrier, recordStart } from './join.ts'
import { type JointAttempt, saveJointly } from './joint-save.ts'
import type { Identity, Member, ResumedMember } from './member.ts'
import { defaultJoinTimeout, defaultSaveTimeout, type RanksOptions } from './options.ts'
import { resume } from './resume.ts'
import { takeOver } from './take-over.ts'

/** Saves and restores checkpoints together with the other ranks of a job, without a coordinator. */
export class Ranks {
  readonly #context: StoreContext
  readonly #options: RanksOptions
  /** The start of this process as a rank. A restore after the first one is another start. */
  #identity: Promise<Identity> | undefined
  #wasMember = false
  #member: Promise<ResumedMember> | undefined
  readonly #members = new Set<Member>()
  /** The last attempt that was saved. */
  #saved: JointAttempt | undefined

  constructor(context: StoreContext, options: RanksOptions) {
    this.#context = context
    this.#options = options
  }

  /**
   * Joins the newest term, and restores the checkpoint on which its ranks agree. All ranks of the job MUST call it. Returns
   * `undefined` if the store has no checkpoint. Rejects with `INCOMPLETE` if a rank does not join in time.
   */
  async restore(choice: CheckpointChoice, options: RestoreOptions): Promise<Restored | undefined> {
    if (choice !== 'latest') {
      throw new HoldfastError(
        'UNSUPPORTED',
        `The ranks of a job restore the latest checkpoint together, not ${JSON.stringify(choice)}. Open the store without ` +
          'ranks to read another one.',
        { url: this.#context.backend.url },
      )
    }
    if (this.#member !== undefined) {
      // Going back, or joining a newer term, is a new start of this rank.
      this.#identity = undefined
      this.#member = undefined
      this.#saved = undefined
      this.#wasMember = false
    }
    const timeout = this.#joinTimeout
    for (;;) {
      const member = await this.#join(options.signal)
      const resumption = await resume(member, options, timeout)
      if (resumption === undefined) continue
      this.#member = Promise.resolve(resumption.member)
      return resumption.restored
    }
  }

  /** Saves the part of this rank, and resolves once the whole checkpoint is committed. */
  async save(request: SaveRequest): Promise<SaveResult> {
    const { files, exclude, signal } = request
    const storeRoot = this.#context.backend.capabilities.localRoot
    const plan = await planFiles(files, { storeRoot, exclude, signal, mayBeEmpty: true })
    this.#member ??= this.#beginAnew(signal)
    const member = await this.#memberOr(this.#member)
    const timeout = this.#options.saveTimeout ?? defaultSaveTimeout
    const { attempt, result } = await saveJointly(member, request, plan, timeout, this.#saved)
    if (attempt !== undefined && (this.#saved === undefined || this.#saved.step < attempt.step))
      this.#saved = attempt
    return result
  }

  /** Resolves once the work that saves and restores have started is done. */
  async finish(): Promise<void> {
    for (const { access } of this.#members) await access.finish()
  }

  get #joinTimeout(): number {
    return this.#options.joinTimeout ?? defaultJoinTimeout
  }

  /** Joins the newest term until it has taken over the store. */
  async #join(signal: AbortSignal | undefined): Promise<Member> {
    for (;;) {
      this.#identity ??= recordStart(this.#context, this.#options, signal)
      const identity = await this.#identity.catch((error: unknown) => {
        this.#identity = undefined
        throw error
      })
      const member = await occupySlot(this.#context, identity, this.#wasMember, signal)
      this.#members.add(member)
      this.#wasMember = true
      if ((await passBarrier(member, this.#joinTimeout, signal)) && (await takeOver(member))) return member
    }
  }

  /** A job that saves without a restore begins anew, with no checkpoint that it continues from. */
  async #beginAnew(signal: AbortSignal | undefined): Promise<ResumedMember> {
    return { ...(await this.#join(signal)), resumed: null }
  }

  async #memberOr(member: Promise<ResumedMember>): Promise<ResumedMember> {
    try {
      return await member
    } catch (error) {
      if (this.#member === member) this.#member = undefined
      throw error
    }
  }
}
