import type { Present } from '../adoption/inventory.ts'

/** A checkpoint by its step and the digest of its bytes. */
export interface Identified {
  readonly step: number
  readonly digest: string
}

export interface ResumeFacts {
  /** Of the store; `undefined` if it has no checkpoint. */
  readonly latest: Identified | undefined
  /** Whether what the folder has and the store has not continues the latest checkpoint of the store. */
  readonly isContinuation: boolean
  /** Whether the program may have been killed while it wrote. */
  readonly mayBeTorn: boolean
}

export interface ResumePlan {
  /** What the program must not find when it looks for a checkpoint, and why. */
  readonly setAside: readonly { readonly present: Present; readonly because: string }[]
  /** Whether the folder has the checkpoint from which the program must continue. */
  readonly isInPlace: boolean
  /** The step of the newest unsaved checkpoint that stays; `undefined` if there is none. The program continues from it. */
  readonly unsavedStep: number | undefined
}

/**
 * Whether checkpoints in the folder that were never saved continue the store's latest one: nothing was saved elsewhere, and
 * nothing was rewound, since the last adoption from this folder.
 */
export function continuesLatest(
  latest: Identified | undefined,
  lastAdopted: Identified | undefined,
): boolean {
  return latest === undefined || (latest.step === lastAdopted?.step && latest.digest === lastAdopted.digest)
}

/** Decides what must leave the folder, so that a program that looks there for its last checkpoint finds the right one. */
export function planResume(present: readonly Present[], facts: ResumeFacts): ResumePlan {
  const { latest, isContinuation } = facts
  const unsaved = present.filter((each) => each.state === 'unsaved')
  const continuing = isContinuation ? unsaved.filter((each) => !isDoubtful(each, facts)) : []
  const isInPlace =
    latest === undefined || continuing.length > 0 || present.some((each) => isLatest(each, latest))
  const setAside = present.flatMap((each) => {
    const because = reasonAgainst(each, facts, isInPlace)
    return because === undefined ? [] : [{ present: each, because }]
  })
  return { setAside, isInPlace, unsavedStep: continuing.at(-1)?.step }
}

function reasonAgainst(each: Present, facts: ResumeFacts, isInPlace: boolean): string | undefined {
  const { latest, isContinuation, mayBeTorn } = facts
  switch (each.state) {
    case 'incomplete':
      return latest !== undefined || mayBeTorn ? `it is not complete (it lacks ${each.missing})` : undefined
    case 'unsaved':
      if (isDoubtful(each, facts)) return 'nothing shows that it is complete'
      return isContinuation ? undefined : 'the store continued without it'
    case 'stored':
      if (latest === undefined || isLatest(each, latest)) return undefined
      if (!each.isNumbered || each.step >= latest.step)
        return `it is not the latest checkpoint, step ${latest.step}`
      return undefined
    case 'passed over':
      return latest !== undefined && (each.step ?? latest.step) >= latest.step
        ? `the store has another step ${each.step ?? latest.step}`
        : undefined
    case 'hollow':
      return mayBeTorn && (each.step ?? 0) >= (latest?.step ?? 0) ? 'it holds no checkpoint' : undefined
    case 'repeat':
      return !isInPlace && isNamedLast(each) ? 'it repeats another checkpoint than the latest' : undefined
  }
}

function isLatest(each: Present, latest: Identified): boolean {
  return each.state === 'stored' && each.step === latest.step && each.digest === latest.digest
}

/** If nothing shows the end of a write, a write that was cut short looks like a finished one. */
function isDoubtful(each: Present, { mayBeTorn }: ResumeFacts): boolean {
  return each.state === 'unsaved' && !each.isSignalled && mayBeTorn
}

/** Such as `last.ckpt`, which a program loads without looking at numbers. */
function isNamedLast({ candidate }: Present): boolean {
  return /(^|\/)last\b[^/]*$/.test(candidate.name)
}
