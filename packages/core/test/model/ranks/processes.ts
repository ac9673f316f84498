import { type AttemptId, partsOfAttempt } from '../../../src/catalog/documents/index.ts'
import type { WholeCatalog } from '../../../src/catalog/pages/index.ts'
import { latestOf } from '../../../src/order-key.ts'
import { attemptOf, type Catalogs, ownerOf, saveOf, termOfAttempt } from './catalogs.ts'
import type { Protocol } from './protocol.ts'
import {
  type AttemptData,
  type Cast,
  type Choice,
  dataOf,
  newestTerm,
  type Part,
  type Process,
  type Resume,
  type Round,
  type Save,
  type Saving,
  spend,
  type State,
  type Step,
  termOf,
  withData,
  withProcess,
  withTerm,
} from './world.ts'

/** Everything that one process may do next. A pause is a step that is not taken, and a crash a process that takes no more. */
export class Processes {
  readonly #cast: Cast
  readonly #protocol: Protocol
  readonly #catalogs: Catalogs

  constructor(cast: Cast, protocol: Protocol, catalogs: Catalogs) {
    this.#cast = cast
    this.#protocol = protocol
    this.#catalogs = catalogs
  }

  stepsOf(state: State, index: number): readonly Step[] {
    return new Turn(state, index, this.#cast, this.#protocol, this.#catalogs).steps()
  }
}

/** The steps of one process from one state. */
class Turn {
  readonly #state: State
  readonly #index: number
  readonly #rank: number
  readonly #ticket: number
  readonly #cast: Cast
  readonly #protocol: Protocol
  readonly #catalogs: Catalogs
  readonly #steps: Step[] = []

  constructor(state: State, index: number, cast: Cast, protocol: Protocol, catalogs: Catalogs) {
    this.#state = state
    this.#index = index
    this.#cast = cast
    this.#protocol = protocol
    this.#catalogs = catalogs
    this.#rank = cast.ranks[index] ?? 0
    this.#ticket = ticketOf(index, cast)
  }

  steps(): readonly Step[] {
    const process = this.#state.processes[this.#index]
    if (process !== undefined) this.#take(process)
    return this.#steps
  }

  #take(process: Process): void {
    switch (process.at) {
      case 'unborn':
        if (this.#newestTicket() === this.#ticket - 1) this.#go({ at: 'join', wasMember: false }, 'starts')
        return
      case 'never born':
      case 'fenced':
      case 'refused':
      case 'done':
        return
      case 'join':
        this.#join(process.wasMember)
        return
      case 'open':
        this.#go({ at: 'occupy', term: process.term }, `opens term ${process.term}`, {
          state: withTerm(this.#state, process.term, this.#cast.size, { isOpen: true }),
        })
        return
      case 'occupy':
        this.#occupy(process.term)
        return
      case 'look at slot':
        this.#lookAtSlot(process.term)
        return
      case 'barrier':
        this.#watches(process.term)
        this.#barrier(process)
        return
      case 'show': {
        const here = this.#term(process.term).here.with(this.#rank, true)
        this.#go({ at: 'barrier', term: process.term, isShown: true }, 'is here', {
          state: withTerm(this.#state, process.term, this.#cast.size, { here }),
        })
        return
      }
      case 'take over':
        this.#takeOver(process.term, process.early)
        return
      case 'plan rewind':
        this.#planRewind(process.term)
        return
      case 'agree rewind':
        this.#agreeRewind(process)
        return
      case 'rewind':
        this.#rewind(process)
        return
      case 'choose':
        this.#choose(process)
        return
      case 'prepare':
        this.#prepare(process)
        return
      case 'agree':
        this.#agree(process)
        return
      case 'restore':
        this.#restore(process)
        return
      case 'verdicts':
        this.#watches(process.term)
        this.#awaitVerdicts(process)
        return
      case 'quarantine':
        this.#quarantine(process)
        return
      case 'go':
        this.#goOn(process)
        return
      case 'begin save':
        this.#beginSave(process)
        return
      case 'agree save':
        this.#agreeSave(process)
        return
      case 'put':
        this.#put(process)
        return
      case 'part':
        this.#writePart(process)
        return
      case 'wait':
        this.#wait(process)
        return
      case 'manifest':
        this.#writeManifest(process)
        return
      case 'commit':
        this.#commit(process)
    }
  }

  #go(
    process: Process,
    what: string,
    { state = this.#state, breaks }: { state?: State; breaks?: string | undefined } = {},
  ): void {
    const name = `process ${this.#index} (rank ${this.#rank}) ${what}`
    this.#steps.push({ name, next: withProcess(state, this.#index, process), breaks })
  }

  /** The same with an answer that is lost, once the request has had its effect in `state`. */
  #lose(process: Process, state = this.#state): void {
    if (this.#state.budget.lostAnswers > 0)
      this.#go(process, 'loses the answer', { state: spend(state, 'lostAnswers') })
  }

  #term(term: number) {
    return termOf(this.#state, term, this.#cast.size)
  }

  #newestTicket(): number {
    const isStarted = (index: number): boolean =>
      this.#cast.ranks[index] === this.#rank &&
      !['unborn', 'never born'].includes(this.#state.processes[index]?.at ?? 'unborn')
    const newest = this.#state.processes.findLastIndex((_, index) => isStarted(index))
    return newest === -1 ? 0 : ticketOf(newest, this.#cast)
  }

  #leave(term: number): void {
    const standing = this.#protocol.standingOf(this.#state.catalog, ownerOf(term))
    if (standing === 'superseded') this.#go({ at: 'join', wasMember: true }, 'is superseded')
    else this.#go({ at: 'fenced' }, 'is fenced by the catalog')
  }

  #isOwner(term: number): boolean {
    return this.#protocol.standingOf(this.#state.catalog, ownerOf(term)) === 'owner'
  }

  #slot(term: number): 'free' | 'mine' | 'taken' {
    const member = this.#term(term).members[this.#rank] ?? null
    if (member === null) return 'free'
    return member === this.#index ? 'mine' : 'taken'
  }

  #join(wasMember: boolean): void {
    const newest = newestTerm(this.#state)
    const step = this.#protocol.joinStep(this.#ticket, {
      newestTicket: this.#newestTicket(),
      newestTerm: newest,
      catalogTerm: this.#state.catalog.term ?? 0,
      slot: this.#slot(newest),
      isSameSize: true,
      wasMember,
    })
    if (step.kind === 'fenced') this.#go({ at: 'fenced' }, `is fenced: ${step.why}`)
    else if (step.kind === 'member')
      this.#go({ at: 'barrier', term: step.term, isShown: false }, 'is a member')
    else this.#go({ at: step.kind, term: step.term }, `sees term ${newest}`)
  }

  #occupy(term: number): void {
    const slot = this.#slot(term)
    if (slot === 'taken') {
      this.#go({ at: 'join', wasMember: false }, 'finds its rank taken')
      this.#lose({ at: 'look at slot', term })
      return
    }
    const members = this.#term(term).members.with(this.#rank, this.#index)
    const state = withTerm(this.#state, term, this.#cast.size, { members })
    this.#go({ at: 'barrier', term, isShown: false }, `joins term ${term}`, { state })
    this.#lose({ at: 'look at slot', term }, state)
    this.#lose({ at: 'look at slot', term })
  }

  #lookAtSlot(term: number): void {
    if (this.#slot(term) === 'mine') this.#go({ at: 'barrier', term, isShown: false }, 'finds itself')
    else this.#go({ at: 'join', wasMember: false }, 'does not find itself')
  }

  /**
   * What every wait looks at. The process may have looked at the starts before the latest one, or at everything just before,
   * and goes on.
   */
  #watches(term: number): void {
    const newest = newestTerm(this.#state)
    const seen = new Set([this.#newestTicket(), this.#ticket])
    for (const newestTicket of seen) {
      const own = { ticket: this.#ticket, term }
      const step = this.#protocol.waitStep(own, { newestTicket, newestTerm: newest })
      if (step === 'fenced') this.#go({ at: 'fenced' }, 'is fenced by a later start')
      if (step !== 'join again') continue
      const isBlind = this.#protocol.joinsWithoutLooking && this.#slot(newest) === 'free'
      this.#go(
        isBlind ? { at: 'occupy', term: newest } : { at: 'join', wasMember: true },
        `sees term ${newest}`,
      )
    }
  }

  #barrier({ term, isShown }: Extract<Process, { at: 'barrier' }>): void {
    const { members, here } = this.#term(term)
    const { missingRanks, showsItself, choosesBeforeTakeover } = this.#protocol
    const { size } = this.#cast
    const present = (ranks: readonly unknown[]): readonly number[] =>
      ranks.flatMap((value, rank) => (value === null || value === false ? [] : [rank]))
    const next: Process = choosesBeforeTakeover
      ? { at: 'choose', term, round: 0, avoided: [] }
      : { at: 'take over', term }
    const isFull = missingRanks(present(members), size).length === 0
    if (!isShown) {
      if (isFull) this.#go(showsItself ? { at: 'show', term } : next, 'sees all members')
    } else if (missingRanks(present(here), size).length === 0) this.#go(next, 'passes the barrier')
  }

  #takeOver(term: number, early: Choice | undefined): void {
    const goesBack = this.#cast.goBack?.includes(this.#index) === true
    const next: Process = goesBack
      ? { at: 'plan rewind', term }
      : early === undefined
        ? { at: 'choose', term, round: 0, avoided: [] }
        : { at: 'agree', term, round: 0, avoided: [], choice: early }
    const standing = this.#protocol.standingOf(this.#state.catalog, ownerOf(term))
    if (this.#protocol.choosesBeforeTakeover && early === undefined && standing === 'may take over') {
      this.#go(next, 'chooses first')
      return
    }
    if (standing === 'owner') {
      this.#go(next, 'owns the store')
      return
    }
    if (standing !== 'may take over') {
      this.#leave(term)
      return
    }
    const catalog = this.#catalogs.commit(this.#state.catalog, ownerOf(term), { kind: 'take over', term })
    if (typeof catalog === 'string') {
      this.#leave(term)
      return
    }
    const isEarly = this.#term(term).here.includes(false)
    this.#go(next, `takes over as term ${term}`, {
      state: { ...this.#state, catalog },
      breaks: isEarly
        ? 'a term takes over before all of its ranks have shown that they are alive'
        : undefined,
    })
    this.#lose({ at: 'take over', term }, { ...this.#state, catalog })
    this.#lose({ at: 'take over', term })
  }

  #choose({ term, round, avoided }: Round): void {
    const { choosesBeforeTakeover } = this.#protocol
    if (!this.#isOwner(term) && !choosesBeforeTakeover) {
      this.#leave(term)
      return
    }
    const { catalog } = this.#state
    const { maxTries = Infinity } = this.#cast
    const passed = { term, avoided: avoided.flatMap((each) => attemptOrNull(each) ?? []), maxTries }
    const { entry, tooOften } = this.#protocol.candidateIn(catalog, passed)
    const choice = entry?.attempt ?? 'none'
    const isBack = tooOften.length > 0
    if (choosesBeforeTakeover && round === 0 && !this.#isOwner(term))
      this.#go({ at: 'take over', term, early: choice }, `would choose ${choice}`)
    else if (isBack && choice === 'none') this.#go({ at: 'refused' }, 'finds nothing that may be tried')
    else {
      const back = isBack ? { back: catalog.version } : {}
      this.#go({ at: 'agree', term, round, avoided, choice, ...back }, `would choose ${choice}`)
    }
  }

  #planRewind(term: number): void {
    if (!this.#isOwner(term)) {
      this.#leave(term)
      return
    }
    const agreed = this.#term(term).rewind
    if (agreed !== undefined) {
      this.#go({ at: 'rewind', term, ...agreed }, 'finds the rewind')
      return
    }
    const { checkpoints, version } = this.#state.catalog
    const target = checkpoints.all[0]?.attempt
    if (target === undefined) this.#go({ at: 'refused' }, 'finds nothing to go back to')
    else this.#go({ at: 'agree rewind', term, attempt: target, base: version }, `would go back to ${target}`)
  }

  #agreeRewind({ term, attempt, base }: Extract<Process, { at: 'agree rewind' }>): void {
    const agreed = this.#term(term).rewind ?? { attempt, base }
    const state = withTerm(this.#state, term, this.#cast.size, { rewind: agreed })
    this.#go({ at: 'rewind', term, ...agreed }, `agrees to go back to ${agreed.attempt}`, { state })
    this.#lose({ at: 'plan rewind', term }, state)
    this.#lose({ at: 'plan rewind', term })
  }

  #rewind(process: Extract<Process, { at: 'rewind' }>): void {
    const { term, attempt, base } = process
    if (!this.#isOwner(term)) this.#leave(term)
    else if (this.#protocol.isRewoundSince(this.#state.catalog, base))
      this.#go({ at: 'choose', term, round: 0, avoided: [] }, 'finds that the term went back')
    else this.#rewindTo(attempt, { at: 'choose', term, round: 0, avoided: [] }, process)
  }

  /** Commits a rewind, and is at `next` then, or at `again` if the answer is lost. */
  #rewindTo(attempt: AttemptId, next: Process, again: Process & { readonly term: number }): void {
    const { step } = partsOfAttempt(attempt)
    const change = { kind: 'rewind', step } as const
    const catalog = this.#catalogs.commit(this.#state.catalog, ownerOf(again.term), change)
    if (typeof catalog === 'string') {
      this.#go({ at: 'refused' }, 'cannot go back')
      return
    }
    const state = { ...this.#state, catalog }
    this.#go(next, `goes back to ${attempt}`, { state })
    this.#lose(again, state)
    this.#lose(again)
  }

  /** Rewinds to the chosen checkpoint if later ones were restored too often, and counts its restore. */
  #prepare(process: Extract<Process, { at: 'prepare' }>): void {
    const { term, choice, back, round, avoided } = process
    const { catalog } = this.#state
    const done: Process = { at: 'restore', term, round, avoided, choice }
    if (choice === 'none') this.#go(done, 'starts from the beginning')
    else if (!this.#isOwner(term)) this.#leave(term)
    else if (back !== undefined && !this.#protocol.isRewoundSince(catalog, back))
      this.#rewindTo(choice, process, process)
    else if (this.#cast.maxTries === undefined || this.#protocol.isCounted(catalog, choice, term))
      this.#go(done, 'finds its restore counted')
    else this.#count(process, choice, done)
  }

  #count(process: Extract<Process, { at: 'prepare' }>, attempt: AttemptId, done: Process): void {
    const { term } = process
    const { step } = partsOfAttempt(attempt)
    const change = { kind: 'count restore', step, attempt, term } as const
    const catalog = this.#catalogs.commit(this.#state.catalog, ownerOf(term), change)
    if (typeof catalog === 'string') return
    const state = { ...this.#state, catalog }
    const count = catalog.tries?.find((each) => each.attempt === attempt)?.count ?? 0
    const breaks = count > term ? `${attempt} is counted ${count} times by ${term} terms` : undefined
    this.#go(done, `counts a restore of ${attempt}`, { state, breaks })
    this.#lose(process, state)
    this.#lose(process)
  }

  #agree(process: Extract<Process, { at: 'agree' }>): void {
    const { term, round, avoided, choice, back } = process
    const { resumes } = this.#term(term)
    const own = { choice, ...(back === undefined ? {} : { back }) }
    const found = this.#protocol.followsAgreements ? (resumes[round] ?? null) : null
    const agreed = found ?? own
    const filled = Array.from({ length: Math.max(resumes.length, round + 1) }, (_, at) => resumes[at] ?? null)
    const state =
      found === null
        ? withTerm(this.#state, term, this.#cast.size, { resumes: filled.with(round, own) })
        : this.#state
    const follow = ({ choice: chosen, ...rest }: Resume): Process =>
      this.#cast.maxTries === undefined
        ? { at: 'restore', term, round, avoided, choice: chosen }
        : { at: 'prepare', term, round, avoided, choice: chosen, ...rest }
    this.#go(follow(agreed), `agrees on ${agreed.choice} in round ${round}`, { state })
    const afterLoss: Process = this.#protocol.readsBack ? { at: 'choose', term, round, avoided } : follow(own)
    this.#lose(afterLoss, state)
    if (found === null) this.#lose(afterLoss)
  }

  #restore(process: Extract<Process, { at: 'restore' }>): void {
    const { term, round, choice } = process
    const { verdicts } = this.#term(term)
    const isListed = choice !== 'none' && isListedIn(this.#state.catalog, choice)
    const isWhole = choice === 'none' || (isListed && this.#isWhole(choice))
    const wasBad = verdicts.some(
      (verdict) => verdict.round < round && verdict.attempt === choice && !verdict.isGood,
    )
    const breaks =
      choice !== 'none' && wasBad ? 'a term chooses again what one of its ranks found corrupt' : undefined
    const mine = verdicts.find(
      (verdict) => verdict.round === round && verdict.rank === this.#rank && verdict.attempt === choice,
    )
    if (mine !== undefined) {
      this.#go({ ...process, at: 'verdicts' }, 'has judged before', { breaks })
      return
    }
    const judge = (isGood: boolean, from: State): void => {
      const own = { round, rank: this.#rank, attempt: choice, isGood }
      const sorted = [...verdicts, own].sort((one, other) =>
        JSON.stringify(one) < JSON.stringify(other) ? -1 : 1,
      )
      this.#go({ ...process, at: 'verdicts' }, isGood ? 'restores' : 'finds it corrupt', {
        state: withTerm(from, term, this.#cast.size, { verdicts: sorted }),
        breaks,
      })
    }
    judge(isWhole, this.#state)
    if (isWhole && choice !== 'none' && this.#state.budget.corruptions > 0)
      judge(false, spend(this.#state, 'corruptions'))
  }

  #isWhole(attempt: AttemptId): boolean {
    const { manifest, bytes } = dataOf(this.#state, attempt, this.#cast.size)
    return manifest?.every((part, rank) => part !== null && bytes[rank]?.includes(bytesOf(part))) === true
  }

  #awaitVerdicts(process: Extract<Process, { at: 'verdicts' }>): void {
    const { term, round, choice } = process
    const { mixesRounds } = this.#protocol
    const verdicts = this.#term(term).verdicts.filter((verdict) => mixesRounds || verdict.round === round)
    const step = this.#protocol.roundStep(verdicts.map(toRankVerdict), attemptOrNull(choice), this.#cast.size)
    if (step.kind === 'bad') this.#go({ ...process, at: 'quarantine' }, 'sees a bad verdict')
    if (step.kind === 'good') this.#go({ ...process, at: 'go' }, 'sees good verdicts only')
  }

  #quarantine(process: Extract<Process, { at: 'quarantine' }>): void {
    const { term, round, avoided, choice } = process
    if (!this.#isOwner(term)) {
      this.#leave(term)
      return
    }
    const { avoidsBad } = this.#protocol
    const isListed = choice !== 'none' && isListedIn(this.#state.catalog, choice)
    const catalog =
      isListed && avoidsBad
        ? this.#catalogs.commit(this.#state.catalog, ownerOf(term), {
            kind: 'quarantine',
            found: [{ step: partsOfAttempt(choice).step, attempt: choice, reason: 'corrupt' }],
          })
        : this.#state.catalog
    if (typeof catalog === 'string') return
    const next = avoidsBad ? [...avoided, choice] : avoided
    this.#go({ at: 'choose', term, round: round + 1, avoided: next }, 'goes to the next round', {
      state: { ...this.#state, catalog },
    })
  }

  #goOn({ term, choice, avoided }: Extract<Process, { at: 'go' }>): void {
    if (!this.#isOwner(term)) {
      this.#leave(term)
      return
    }
    const { went } = this.#state.ghost
    const other = went.find((each) => each[0] === term && each[1] !== choice)
    const before = latestIn(this.#state.catalog, avoided, (attempt) => termOfAttempt(attempt) < term)
    const target = this.#cast.goBack?.includes(this.#index) === true ? this.#term(term).rewind : undefined
    const isElsewhere = target !== undefined && target.attempt !== choice && !avoided.includes(target.attempt)
    const breaks = isElsewhere
      ? `a term goes back to ${target.attempt}, and a rank of it continues from ${choice}`
      : other !== undefined
        ? `R2: ranks of term ${term} continue from ${other[1]} and ${choice}`
        : before !== choice
          ? `a term continues from ${choice}, and ${before} was committed before it took over`
          : undefined
    const known = went.some((each) => each[0] === term && each[1] === choice)
    const next = known ? went : [...went, [term, choice] as const].sort()
    const step = choice === 'none' ? 1 : partsOfAttempt(choice).step + 1
    this.#go(
      { at: 'begin save', term, resumed: choice, left: this.#cast.saves, step, tries: 0, bytes: 0 },
      `goes on from ${choice}`,
      {
        state: { ...this.#state, ghost: { ...this.#state.ghost, went: next } },
        breaks,
      },
    )
  }

  #beginSave(process: Extract<Process, { at: 'begin save' }>): void {
    const { term, step } = process
    const { catalog } = this.#state
    const isPassed =
      catalog.latest !== undefined &&
      termOfAttempt(catalog.latest.attempt) === term &&
      catalog.latest.step > step
    if (!this.#isOwner(term)) this.#leave(term)
    else if (isPassed) this.#go({ at: 'refused' }, 'is refused: the term has saved a later step')
    else this.#go({ ...process, at: 'agree save', base: catalog.version }, `begins step ${step}`)
  }

  #agreeSave({ base, ...process }: Extract<Process, { at: 'agree save' }>): void {
    const { term, step, tries, resumed } = process
    const home = this.#protocol.namesTermInSaves ? term : 1
    const { saves } = this.#term(home)
    const name = `${step}.${tries}`
    const found = saves[name]
    const { latest } = this.#state.catalog
    const listed = latest && termOfAttempt(latest.attempt) === term ? latest.attempt : undefined
    const continued = { begun: [], listed, resumed: attemptOrNull(resumed) }
    const own: Save = {
      attempt: attemptOf(step, base, term, tries, this.#index),
      continues: this.#protocol.continuedBy(step, continued) ?? 'none',
    }
    const agreed = found ?? own
    const state =
      found === undefined
        ? withTerm(this.#state, home, this.#cast.size, { saves: sorted({ ...saves, [name]: own }) })
        : this.#state
    this.#go({ ...process, at: 'put', ...agreed }, `agrees on ${agreed.attempt}`, { state })
    const afterLoss: Process = this.#protocol.readsBack
      ? { ...process, at: 'begin save' }
      : { ...process, at: 'put', ...own }
    this.#lose(afterLoss, state)
    if (found === undefined) this.#lose(afterLoss)
  }

  #put(process: Extract<Process, { at: 'put' }>): void {
    const { attempt } = process
    const data = this.#data(attempt)
    const standing = data.parts[this.#rank] ?? null
    if (standing?.process === this.#index && !this.#protocol.overwritesParts) {
      if (standing.bytes === process.bytes) this.#go({ ...process, at: 'wait' }, 'finds its part')
      else this.#go({ at: 'refused' }, 'is refused: its part has other bytes')
      return
    }
    const own = `${this.#index}.${process.bytes}`
    const before = this.#protocol.overwritesParts ? [] : (data.bytes[this.#rank] ?? [])
    const bytes = data.bytes.with(this.#rank, [...new Set([...before, own])].sort())
    this.#go({ ...process, at: 'part' }, 'puts its files', {
      state: withData(this.#state, attempt, { ...data, bytes }),
    })
  }

  #writePart(process: Extract<Process, { at: 'part' }>): void {
    this.#mayRepeat(process)
    const { attempt, term, resumed } = process
    const data = this.#data(attempt)
    const standing = data.parts[this.#rank] ?? null
    if (standing !== null && !this.#protocol.overwritesParts) {
      if (standing.process === this.#index && standing.bytes === process.bytes)
        this.#go({ ...process, at: 'wait' }, 'finds its part')
      else if (standing.process === this.#index)
        this.#go({ at: 'refused' }, 'is refused: its part has other bytes')
      else this.#leave(term)
      return
    }
    const part = { process: this.#index, term, resumed, bytes: process.bytes }
    this.#go({ ...process, at: 'wait' }, 'writes its part', {
      state: withData(this.#state, attempt, { ...data, parts: data.parts.with(this.#rank, part) }),
    })
  }

  /** The call is aborted or done, and the program saves the step again with other bytes. */
  #mayRepeat({ term, resumed, left, step, tries, bytes }: Saving, state = this.#state): void {
    if (state.budget.repeatedCalls === 0) return
    const again: Process = { at: 'begin save', term, resumed, left, step, tries, bytes: 1 - bytes }
    this.#go(again, 'repeats the call with other bytes', { state: spend(state, 'repeatedCalls') })
  }

  #wait(process: Extract<Process, { at: 'wait' }>): void {
    this.#mayRepeat(process)
    this.#watches(process.term)
    const { attempt } = process
    this.#judge(process, attempt)
    const data = this.#data(attempt)
    const parts = data.parts.flatMap((part, rank) =>
      part === null ? [] : [{ rank, term: part.term, resumed: attemptOrNull(part.resumed) }],
    )
    if (this.#protocol.completionStep(parts, this.#cast.size).kind === 'complete')
      this.#go({ ...process, at: 'manifest' }, 'sees all parts')
  }

  /** Returns false if the attempt is still open. */
  #judge(process: Saving, attempt: AttemptId): boolean {
    const { term, tries, left, step, resumed, bytes } = process
    const fate = this.#protocol.judgeAttempt(this.#state.catalog, ownerOf(term), attempt)
    switch (fate) {
      case 'open':
        return false
      case 'committed':
        this.#find(process, attempt, 'sees that the save is committed')
        return true
      case 'superseded':
        this.#go({ at: 'join', wasMember: true }, 'is superseded')
        return true
      case 'dead': {
        const next = this.#protocol.triesAgain ? tries + 1 : tries
        this.#go({ at: 'begin save', term, left, step, resumed, bytes, tries: next }, 'tries again')
        return true
      }
      case 'found by repair':
      case 'fenced': {
        const isListed = isListedIn(this.#state.catalog, attempt)
        const breaks = isListed ? 'R3: a rank is fenced although its save is committed' : undefined
        this.#go({ at: 'fenced' }, 'is fenced', { breaks })
        return true
      }
    }
  }

  #writeManifest({ ...process }: Extract<Process, { at: 'manifest' }>): void {
    const data = this.#data(process.attempt)
    const parts = data.manifest ?? data.parts
    const state = withData(this.#state, process.attempt, { ...data, manifest: parts })
    if (this.#protocol.acknowledgesByManifest)
      this.#succeed(process, process.attempt, 'finds the manifest', state)
    else this.#go({ ...process, at: 'commit', parts }, 'writes the manifest', { state })
  }

  #commit({ parts, ...process }: Extract<Process, { at: 'commit' }>): void {
    const { attempt, continues, term } = process
    if (this.#judge(process, attempt)) return
    const change = saveOf(attempt, attemptOrNull(continues) ?? undefined)
    const catalog = this.#catalogs.commit(this.#state.catalog, ownerOf(term), change)
    if (typeof catalog === 'string') {
      if (catalog === 'committed') this.#find(process, attempt, 'finds the save committed')
      return
    }
    const state = { ...this.#state, catalog }
    const highest = Math.max(0, ...this.#state.ghost.went.map(([went]) => went))
    const breaks =
      term < highest
        ? `R4: term ${term} commits after term ${highest} has chosen`
        : tornBy(parts, attempt, this.#cast.size)
    this.#succeed(process, attempt, `commits ${attempt}`, state, breaks)
    const waiting: Process = { ...process, at: 'wait' }
    this.#lose(waiting, state)
    this.#lose(waiting)
  }

  /** The attempt is committed. If the part was swept and written again, the manifest shows whether it has the same bytes. */
  #find(process: Saving, attempt: AttemptId, what: string): void {
    if (this.#protocol.comparesWithManifest && !this.#isOwnIn(this.#state, process, attempt))
      this.#go({ at: 'refused' }, 'is refused: the manifest has other bytes')
    else this.#succeed(process, attempt, what)
  }

  /** Whether the manifest has the bytes of this call. Nobody can tell once it was deleted. */
  #isOwnIn(state: State, { bytes }: Saving, attempt: AttemptId): boolean {
    const own = dataOf(state, attempt, this.#cast.size).manifest?.[this.#rank]
    return own === undefined || own === null || (own.process === this.#index && own.bytes === bytes)
  }

  #succeed(process: Saving, attempt: AttemptId, what: string, state = this.#state, breaks?: string): void {
    const { term, resumed, left, step } = process
    const next: Process =
      left > 1
        ? { at: 'begin save', term, resumed, left: left - 1, step: step + 1, tries: 0, bytes: 0 }
        : { at: 'done' }
    const { acknowledged } = state.ghost
    const known = acknowledged.includes(attempt) ? acknowledged : [...acknowledged, attempt].sort()
    const isOwn = termOfAttempt(attempt) === term && this.#isOwnIn(state, process, attempt)
    const after = { ...state, ghost: { ...state.ghost, acknowledged: known } }
    this.#go(next, what, {
      state: after,
      breaks:
        breaks ??
        (isOwn
          ? undefined
          : 'R3: a rank is told that its save is committed, and another call wrote what is committed'),
    })
    this.#mayRepeat({ ...process, tries: 0 }, after)
  }

  #data(attempt: AttemptId): AttemptData {
    return dataOf(this.#state, attempt, this.#cast.size)
  }
}

/** The start number of a process among those of its rank. */
function ticketOf(index: number, { ranks }: Cast): number {
  return ranks.slice(0, index + 1).filter((rank) => rank === ranks[index]).length
}

function sorted<Value>(record: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  return Object.fromEntries(Object.entries(record).sort())
}

function toRankVerdict({ rank, attempt, isGood }: State['terms'][number]['verdicts'][number]) {
  return { rank, attempt: attemptOrNull(attempt), isGood }
}

function attemptOrNull(choice: Choice): AttemptId | null {
  return choice === 'none' ? null : choice
}

export function bytesOf({ process, bytes }: Part): string {
  return `${process}.${bytes}`
}

function latestIn(
  { checkpoints }: WholeCatalog,
  avoided: readonly Choice[],
  counts: (attempt: AttemptId) => boolean = () => true,
): Choice {
  const offered = checkpoints.all.filter(({ attempt }) => !avoided.includes(attempt) && counts(attempt))
  return latestOf(offered)?.attempt ?? 'none'
}

export function isListedIn({ checkpoints }: WholeCatalog, attempt: AttemptId): boolean {
  return checkpoints.all.some((entry) => entry.attempt === attempt)
}

/** How a committed manifest is torn; `undefined` if it is not. */
function tornBy(parts: readonly (Part | null)[], attempt: AttemptId, size: number): string | undefined {
  const whole = parts.filter((part) => part !== null)
  if (whole.length < size) return `R1: ${attempt} is committed without all of its parts`
  const [one] = whole
  const other = whole.find(({ term, resumed }) => term !== one?.term || resumed !== one.resumed)
  return other === undefined ? undefined : `R1: ${attempt} has parts of two histories`
}
