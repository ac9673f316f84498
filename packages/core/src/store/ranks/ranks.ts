import { resolve } from 'node:path'
import { Slots } from '../../async/slots.ts'
import { markerKey, partsOfAttempt } from '../../catalog/documents/index.ts'
import type { CheckpointChoice } from '../../catalog/judging/choose.ts'
import { HoldfastError } from '../../errors.ts'
import type { MemberFiles } from '../../local-files/member-files.ts'
import type { StoreContext } from '../context/context.ts'
import type { Restored, RestoreOptions } from '../restore/result.ts'
import type { PruneOptions, PruneReport } from '../upkeep/prune.ts'
import { type RewindOptions, type RewindReport, rewindTarget } from '../upkeep/rewind.ts'
import { planFiles } from '../save/plan.ts'
import type { DecidedSave } from '../save/decided-save.ts'
import type { SaveResult } from '../save/result.ts'
import { readMarker } from '../marker/read-marker.ts'
import { beginSave, noteFailed } from './agree-on-save.ts'
import { occupySlot, passBarrier, recordStart } from './join.ts'
import { saveJointly } from './joint-save.ts'
import { createMemberFile, readMemberFile, type StoredMember } from './member-file.ts'
import { type Member, memberOf, type OwningMember, type RankIdentity, type ResumedMember } from './member.ts'
import { type RankPlace, type RanksOptions, type Timeouts, timeoutsOf } from './options.ts'
import { pruneJointly } from './joint-prune.ts'
import { type JoinOptions, resume, type Resumption } from './resume.ts'
import { rewindJointly } from './joint-rewind.ts'
import { takeOver } from './take-over.ts'

/** A rank that has joined a start of its job. */
export interface Joined {
  /** The step of the checkpoint from which the job continues; `undefined` if it starts from the beginning. */
  readonly step: number | undefined
}

/** Saves and restores checkpoints together with the other ranks of a job, without a coordinator. */
export class Ranks {
  readonly #context: StoreContext
  readonly #options: RanksOptions
  readonly #timeouts: Timeouts
  readonly #memberFile: string | undefined
  /** The start of this process as a rank. A restore after the first one is another start. */
  #identity: Promise<RankIdentity> | undefined
  #wasMember = false
  #member: Promise<ResumedMember> | undefined
  readonly #members = new Set<Member>()
  /** The ranks agree on saves in the order in which their programs call them. */
  readonly #inOrder = new Slots(1)
  /** Whether the member has rewound, and neither restored nor saved since. Then it restores in the same term. */
  #isRewound = false

  constructor(context: StoreContext, options: RanksOptions) {
    this.#context = context
    this.#options = options
    this.#timeouts = timeoutsOf(options)
    // The working folder may change later.
    this.#memberFile = options.memberFile === undefined ? undefined : resolve(options.memberFile)
  }

  /**
   * Joins the newest term, and restores the checkpoint on which its ranks agree. All ranks of the job MUST call it. Returns
   * `undefined` if the store has no checkpoint. Rejects with `INCOMPLETE` if a rank does not join in time.
   */
  async restore(choice: CheckpointChoice, options: RestoreOptions): Promise<Restored | undefined> {
    if (choice !== 'latest') {
      throw new HoldfastError(
        'UNSUPPORTED',
        `The ranks of a job restore the latest checkpoint together, not ${JSON.stringify(choice)}.`,
        { url: this.#context.backend.url, hint: { kind: 'leave-ranks', for: 'read' } },
      )
    }
    const { restored } = await this.#start(options)
    return restored
  }

  /** Joins the newest term as `restore` does, and delivers no files. */
  async join(options: JoinOptions): Promise<Joined> {
    const { resumed } = (await this.#start(options)).member
    return { step: resumed === null ? undefined : partsOfAttempt(resumed).step }
  }

  /**
   * Joins the newest term, and rewinds to a step together with its other ranks. All ranks of the job MUST call it with the same
   * step. The term continues from that step, whether its ranks restore it or not.
   */
  async rewind(step: number, { signal }: RewindOptions): Promise<RewindReport> {
    const { log } = this.#context
    rewindTarget(this.#context, await log.whole(signal), step) // before a term is opened
    await this.#leave()
    for (;;) {
      const member = await this.#join(signal)
      const rewind = await rewindJointly(member, step, this.#timeouts.join, signal)
      if (rewind === undefined) continue
      await this.#enter(rewind.member)
      this.#isRewound = true
      return rewind.report
    }
  }

  /** Applies the retention of the job. Any rank may call it, and one commits. */
  async prune(options: PruneOptions): Promise<PruneReport> {
    return pruneJointly(await this.#asMember(options.signal), options, this.#timeouts.join)
  }

  /** Saves the part of this rank, and resolves once the whole checkpoint is committed. */
  async save(request: DecidedSave): Promise<SaveResult> {
    const { files, exclude, signal } = request
    const begun = await this.#inOrder.run(async () => {
      const { storeFolders } = this.#context
      const plan = await planFiles(files, { storeFolders, exclude, signal, mayBeEmpty: true })
      const member = await this.#asMember(signal)
      this.#isRewound = false
      const began = this.#context.environment.now()
      const save = await beginSave(member, request, plan, began)
      return { member, save, joint: { request, plan, began, timeout: this.#timeouts.save } }
    })
    const { member, save, joint } = begun
    if (save.kind === 'saved') return save.result
    try {
      return await saveJointly(member, save, joint)
    } catch (error) {
      noteFailed(member, request.step)
      throw error
    }
  }

  /** Resolves once the work that saves and restores have started is done. */
  async finish(): Promise<void> {
    for (const { access } of this.#members) await access.finish()
  }

  get #files(): MemberFiles {
    return this.#context.environment.memberFiles
  }

  /** Starts this rank: joins a term, and resumes with it. */
  async #start(options: RestoreOptions | JoinOptions): Promise<Resumption> {
    const { signal } = options
    let rewound = this.#isRewound ? await this.#member : undefined
    if (rewound === undefined) await this.#leave()
    else await this.#removeFile()
    for (;;) {
      const member = rewound ?? (await this.#join(signal))
      rewound = undefined
      const resumption = await resume(member, options, {
        commit: this.#timeouts.join,
        verdicts: this.#timeouts.verify,
      })
      if (resumption === 'join again') continue
      if (resumption === 'start again') {
        this.#forget()
        continue
      }
      await this.#enter(resumption.member)
      return resumption
    }
  }

  /** Going back, or joining a newer term, is a new start of this rank. */
  async #leave(): Promise<void> {
    await this.#removeFile()
    if (this.#member !== undefined) this.#forget()
  }

  /** So no process acts as a member of an earlier start if the restore fails. */
  async #removeFile(): Promise<void> {
    if (this.#memberFile !== undefined) await this.#files.remove(this.#memberFile)
  }

  /** The files are restored, and the other ranks continue. So no signal stops this step: the rank would lack its member file. */
  async #enter(member: ResumedMember): Promise<void> {
    const file = this.#memberFile
    if (file !== undefined) await createMemberFile(this.#files, file, await this.#stored(member))
    this.#member = Promise.resolve(member)
    this.#isRewound = false
  }

  #forget(): void {
    this.#isRewound = false
    this.#identity = undefined
    this.#member = undefined
    this.#wasMember = false
  }

  /** Joins the newest term until it has taken over the store. */
  async #join(signal: AbortSignal | undefined): Promise<OwningMember> {
    const place = placeIn(this.#options)
    for (;;) {
      this.#identity ??= recordStart(this.#context, place, signal)
      const identity = await this.#identity.catch((error: unknown) => {
        this.#identity = undefined
        throw error
      })
      const member = await occupySlot(this.#context, identity, this.#wasMember, signal)
      this.#members.add(member)
      this.#wasMember = true
      if (!(await passBarrier(member, this.#timeouts.join, signal))) continue
      const owning = await takeOver(member)
      if (owning !== undefined) return owning
    }
  }

  /** Returns the member of the member file. Without one, joins the job and continues from no checkpoint. */
  async #asMember(signal: AbortSignal | undefined): Promise<ResumedMember> {
    const member = (this.#member ??= this.#findMember(signal))
    try {
      return await member
    } catch (error) {
      if (this.#member === member) this.#member = undefined
      throw error
    }
  }

  async #findMember(signal: AbortSignal | undefined): Promise<ResumedMember> {
    if (this.#memberFile !== undefined) return this.#memberIn(this.#memberFile, signal)
    return { ...(await this.#join(signal)), resumed: null }
  }

  /** Returns the member that an earlier process of this rank was. */
  async #memberIn(file: string, signal: AbortSignal | undefined): Promise<ResumedMember> {
    const { store, term, owner, since, resumed, ...identity } = await readMemberFile(this.#files, file)
    this.#refuseOtherRank(file, identity)
    const member = memberOf(identity, term, owner, this.#context)
    this.#members.add(member)
    // The owner of the store is compared first, because that costs no request.
    const newest = await member.context.log.newest(signal)
    if (newest.owner?.id !== owner) await this.#refuseOtherStore(file, store, signal)
    return { ...member, since, resumed, hadEarlierProcess: true }
  }

  #refuseOtherRank(file: string, { rank, size }: Pick<RankIdentity, 'rank' | 'size'>): void {
    const { rank: ownRank = rank, size: ownSize = size } = this.#options
    if (rank === ownRank && size === ownSize) return
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `The member file ${file} is that of rank ${rank} of ${size}, and this process is rank ${ownRank} of ${ownSize}. Give ` +
        'each rank a file of its own.',
    )
  }

  async #refuseOtherStore(file: string, store: string, signal: AbortSignal | undefined): Promise<void> {
    if ((await this.#storeId(signal)) === store) return
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `The member file ${file} is that of a job in another store, not in ${this.#context.backend.url}.`,
      { hint: { kind: 'join-job' } },
    )
  }

  async #stored(member: ResumedMember): Promise<StoredMember> {
    const { rank, size, process, ticket, own, since, resumed } = member
    const store = await this.#storeId(undefined)
    if (store !== undefined) return { store, rank, size, process, ticket, ...own, since, resumed }
    const { url } = this.#context.backend
    throw new HoldfastError('CORRUPT', `The marker of ${url} is missing or damaged.`, {
      url,
      key: markerKey,
      hint: { kind: 'repair' },
    })
  }

  async #storeId(signal: AbortSignal | undefined): Promise<string | undefined> {
    const found = await readMarker(this.#context.backend, signal)
    return found.kind === 'good' ? found.marker.id : undefined
  }
}

/** The place of a process that joins a job. */
function placeIn({ rank, size }: RanksOptions): Pick<RankPlace, 'rank' | 'size'> {
  if (rank !== undefined) return { rank, size }
  throw new HoldfastError(
    'INVALID_ARGUMENT',
    'A rank that joins its job must know its number and the number of ranks. Pass ranks.rank and ranks.size.',
  )
}
