import * as commitRules from '../../../src/catalog/commit/rules/index.ts'
import { attemptOfKey, partsOfAttempt } from '../../../src/catalog/documents/index.ts'
import { attemptsOf, type WholeCatalog } from '../../../src/catalog/pages/index.ts'
import { candidateIn } from '../../../src/store/ranks/candidate.ts'
import * as rules from '../../../src/store/ranks/rules.ts'

/** The product's rules, and how the processes of the model use them. A broken variant changes one of these. */
export interface Protocol {
  readonly joinStep: typeof rules.joinStep
  readonly waitStep: typeof rules.waitStep
  readonly missingRanks: typeof rules.missingRanks
  readonly standingOf: typeof rules.standingOf
  readonly roundStep: typeof rules.roundStep
  readonly judgeAttempt: typeof rules.judgeAttempt
  readonly completionStep: typeof rules.completionStep
  readonly triesBefore: typeof rules.triesBefore
  readonly isCounted: typeof rules.isCounted
  readonly isRewoundSince: typeof rules.isRewoundSince
  readonly continuedBy: typeof rules.continuedBy
  readonly candidateIn: typeof candidateIn
  readonly nextCatalog: (
    newest: WholeCatalog,
    request: commitRules.CommitRequest,
  ) => commitRules.Verdict<WholeCatalog>
  readonly isDead: (newest: WholeCatalog, key: string) => boolean
  /** Whether a member shows that it is alive once all ranks have members. */
  readonly showsItself: boolean
  readonly choosesBeforeTakeover: boolean
  /** Whether each term has save agreements of its own. */
  readonly namesTermInSaves: boolean
  readonly overwritesParts: boolean
  /** Whether it follows what others agreed on. */
  readonly followsAgreements: boolean
  /** Whether a lost answer to an agreement is looked up. */
  readonly readsBack: boolean
  /** Whether verdicts of all rounds count in each. */
  readonly mixesRounds: boolean
  readonly acknowledgesByManifest: boolean
  /** Whether a rank compares its files with the manifest once the save is committed. */
  readonly comparesWithManifest: boolean
  /** Whether a dead attempt is followed by the next try. */
  readonly triesAgain: boolean
  readonly avoidsBad: boolean
  readonly joinsWithoutLooking: boolean
}

export const product: Protocol = {
  ...rules,
  candidateIn,
  nextCatalog: commitRules.nextCatalog,
  isDead: (newest, key) => commitRules.isDeadIn(newest)(key),
  showsItself: true,
  choosesBeforeTakeover: false,
  namesTermInSaves: true,
  overwritesParts: false,
  followsAgreements: true,
  readsBack: true,
  mixesRounds: false,
  acknowledgesByManifest: false,
  comparesWithManifest: true,
  triesAgain: true,
  avoidsBad: true,
  joinsWithoutLooking: false,
}

/** Judges an attempt as the product does, by a catalog that looks different. */
function judgeBy(change: (catalog: Parameters<Protocol['judgeAttempt']>[0], own: rules.TermOwner) => object) {
  return (...[catalog, own, attempt]: Parameters<Protocol['judgeAttempt']>): rules.JointFate =>
    rules.judgeAttempt({ ...catalog, ...change(catalog, own) }, own, attempt)
}

const ownedBy = ({ owner, term }: rules.TermOwner): Pick<WholeCatalog, 'owner' | 'term'> => ({
  owner: { id: owner, name: owner, since: '' },
  term,
})

function commitBy(
  change: (newest: WholeCatalog, request: commitRules.CommitRequest) => Partial<WholeCatalog>,
  restore: (verdict: WholeCatalog, newest: WholeCatalog, request: commitRules.CommitRequest) => WholeCatalog,
): Protocol['nextCatalog'] {
  return (newest, request) => {
    const verdict = commitRules.nextCatalog({ ...newest, ...change(newest, request) }, request)
    return verdict.kind === 'next'
      ? { ...verdict, catalog: restore(verdict.catalog, newest, request) }
      : verdict
  }
}

const floorOfBoth = (next: WholeCatalog, newest: WholeCatalog): WholeCatalog => ({
  ...next,
  floor: Math.max(newest.floor, next.floor),
})

/** Any writer may save, and it leaves the owner as it is. */
const withoutOwnerCheck = commitBy(
  ({ owner }, { writer, change }) =>
    change.kind === 'save' ? { owner: { id: writer.id, name: writer.name, since: '' } } : { owner },
  (next, newest, { change }) => (change.kind === 'save' ? { ...next, owner: newest.owner } : next),
)

/** Nothing but the owner is checked. A takeover leaves the floor as it is. */
const withoutFloor = commitBy(
  () => ({}),
  (next, newest, { change }) => (change.kind === 'take over' ? { ...next, floor: newest.floor } : next),
)

/** Each breaks one rule, or two that cover for each other. Each MUST be caught by breaking a promise. */
export const unsafeProtocols: Readonly<Record<string, Protocol>> = {
  'no proof of life after the barrier': { ...product, showsItself: false },
  'a barrier that waits for all ranks but one': {
    ...product,
    missingRanks: (present, size) => rules.missingRanks(present, size).slice(1),
  },
  'a choice that is read before the takeover': { ...product, choosesBeforeTakeover: true },
  'save agreements that do not name the term, and parts that are not compared': {
    ...product,
    namesTermInSaves: false,
    completionStep: (parts, size) =>
      rules.completionStep(
        parts.map(({ rank }) => ({ rank, term: 1, resumed: null })),
        size,
      ),
  },
  'parts that are overwritten': { ...product, overwritesParts: true },
  'no dead attempts': {
    ...product,
    judgeAttempt: judgeBy(() => ({ floor: 0 })),
    nextCatalog: commitBy(
      ({ floor }, { change }) => (change.kind === 'save' ? { floor: 0 } : { floor }),
      floorOfBoth,
    ),
  },
  'an older term that may take over': {
    ...product,
    standingOf: (catalog, own) => {
      const standing = rules.standingOf(catalog, own)
      return standing === 'superseded' ? 'may take over' : standing
    },
    nextCatalog: commitBy(
      ({ term }, { change }) => (change.kind === 'take over' ? { term: 0 } : { term }),
      (next, { term = 0 }) => ({ ...next, term: Math.max(term, next.term ?? 0) }),
    ),
  },
  'a sweep of attempts that are alive': {
    ...product,
    isDead: (newest, key) => {
      const attempt = attemptOfKey(key)
      return attempt === undefined ? product.isDead(newest, key) : !attemptsOf(newest).has(attempt)
    },
  },
  'no wait for the verdicts of others': {
    ...product,
    roundStep: (verdicts, attempt, size) => {
      const step = rules.roundStep(verdicts, attempt, size)
      return step.kind === 'wait' ? { kind: 'good' } : step
    },
  },
  'a manifest that counts as an acknowledgement': { ...product, acknowledgesByManifest: true },
  'a part that is written again, and not compared with the manifest': {
    ...product,
    comparesWithManifest: false,
  },
  'a manifest of the parts that are there': {
    ...product,
    completionStep: (parts) => rules.completionStep(parts, Math.max(0, ...parts.map(({ rank }) => rank + 1))),
  },
  'a corrupt checkpoint that is chosen again': { ...product, avoidsBad: false },
  'saves that name the checkpoint from which their term resumed': {
    ...product,
    continuedBy: (_, { resumed }) => resumed ?? undefined,
  },
  'a join that does not look for a later start': { ...product, joinsWithoutLooking: true },
  'an owner that is judged before the list': {
    ...product,
    judgeAttempt: (catalog, own, attempt) => {
      const standing = rules.standingOf(catalog, own)
      return standing === 'owner' ? rules.judgeAttempt(catalog, own, attempt) : 'fenced'
    },
  },
  'a restore that each rank counts': {
    ...product,
    isCounted: () => false,
    nextCatalog: (newest, request) => {
      const { change } = request
      const counted = change.kind === 'count restore' ? { ...change, term: undefined } : change
      return commitRules.nextCatalog(newest, { ...request, change: counted })
    },
  },
  'a rewind that counts as done before it is committed': { ...product, isRewoundSince: () => true },
  'neither the owner nor the floor is checked': {
    ...product,
    judgeAttempt: judgeBy((_, own) => ({ ...ownedBy(own), floor: 0 })),
    nextCatalog: (newest, request) => {
      const verdict = withoutOwnerCheck(
        { ...newest, floor: request.change.kind === 'save' ? 0 : newest.floor },
        request,
      )
      return verdict.kind === 'next' ? { ...verdict, catalog: floorOfBoth(verdict.catalog, newest) } : verdict
    },
  },
  'no owner check, and takeovers that leave the floor': {
    ...product,
    judgeAttempt: judgeBy((_, own) => ownedBy(own)),
    nextCatalog: (newest, request) =>
      request.change.kind === 'save' ? withoutOwnerCheck(newest, request) : withoutFloor(newest, request),
  },
}

/** Each leaves a process stuck, or fences one that should go on. */
export const stuckProtocols: Readonly<Record<string, Protocol>> = {
  'a sweep of the agreements of the own term': {
    ...product,
    isDead: (newest, key) => product.isDead({ ...newest, term: (newest.term ?? 0) + 1 }, key),
  },
  'an own opinion in place of the agreement': { ...product, followsAgreements: false },
  'no next try after a dead attempt': { ...product, triesAgain: false },
  'a lost creation that is taken for done': { ...product, readsBack: false },
  'verdicts of any round on any attempt': {
    ...product,
    mixesRounds: true,
    roundStep: (verdicts, attempt, size) =>
      rules.roundStep(
        verdicts.map((verdict) => ({ ...verdict, attempt })),
        attempt,
        size,
      ),
  },
  'a wait that takes a listed attempt for a dead one': {
    ...product,
    judgeAttempt: (catalog, own, attempt) =>
      partsOfAttempt(attempt).base < catalog.floor ? 'dead' : rules.judgeAttempt(catalog, own, attempt),
  },
  'a wait that does not look for newer terms': {
    ...product,
    waitStep: (own, seen) => rules.waitStep(own, { ...seen, newestTerm: own.term }),
  },
  'no tickets': {
    ...product,
    joinStep: (ticket, seen) => rules.joinStep(ticket, { ...seen, newestTicket: ticket }),
    waitStep: (own, seen) => rules.waitStep(own, { ...seen, newestTicket: own.ticket }),
  },
}
