/** A possible remedy. A program can phrase it in its own words, such as the options of a command line. */
export type ErrorHint =
  /** Choose a configuration file explicitly, which trusts it, or none. */
  | { readonly kind: 'choose-config'; readonly file: string }
  /** Leave the files and folders of this name out of what is saved. */
  | { readonly kind: 'exclude'; readonly name: string }
  /** Name an adapter explicitly: that package, if one is known. */
  | { readonly kind: 'name-adapter'; readonly package: string | undefined }
  /** Put an adapter into the bundle of the program, and pass it. */
  | { readonly kind: 'bundle-adapter'; readonly package: string }
  /** Replace the checkpoint that is already saved. */
  | { readonly kind: 'replace' }
  /** Copy to another step, or replace the checkpoint of the destination. */
  | { readonly kind: 'copy-elsewhere' }
  /** Own the store, or belong to a job. */
  | { readonly kind: 'own-store' }
  /** Take a mirror from the store that owns it. */
  | { readonly kind: 'own-mirror' }
  /** Copy the checkpoints of a job of many ranks from a process beside it, in place of a mirror. */
  | { readonly kind: 'copy-beside-job' }
  /** Save one checkpoint together with the other ranks of a job. */
  | { readonly kind: 'save-together' }
  /** Act alone, without the other ranks of a job: to read another checkpoint, or to change the store. */
  | { readonly kind: 'leave-ranks'; readonly for: 'read' | 'change' }
  /** Let all ranks join the job. */
  | { readonly kind: 'join-job' }
  /** Wait longer for the other ranks of a job, when they start or when they save. */
  | { readonly kind: 'wait-longer'; readonly for: 'join' | 'save' }
  /** Allow that the best of an objective is deleted or replaced. */
  | { readonly kind: 'allow-best' }
  /** Forget an objective that the store records. */
  | { readonly kind: 'forget-objective'; readonly name: string }
  /** Define an objective. */
  | { readonly kind: 'define-objective' }
  /** Name the store. */
  | { readonly kind: 'name-store' }
  /** Check the path or URL of a store that does not exist. */
  | { readonly kind: 'check-location' }
  /** Save the first checkpoint, which creates the store. */
  | { readonly kind: 'save-first' }
  /** List the checkpoints. */
  | { readonly kind: 'list' }
  /** Let deletions be undone for some time. */
  | { readonly kind: 'keep-for-undo' }
  /** List the removed checkpoints that can be undone. */
  | { readonly kind: 'list-removed' }
  /** Delete the checkpoint of a step so that the deletion cannot be undone. */
  | { readonly kind: 'delete-for-good'; readonly step: number }
  /** Pin checkpoints again, or unpin them again, after the reason is corrected. */
  | { readonly kind: 'pin-again' | 'unpin-again'; readonly steps: readonly number[] }
  /** Verify a quarantined checkpoint. It is listed again if it verifies. */
  | { readonly kind: 'verify'; readonly step: number }
  /** Repair the store. */
  | { readonly kind: 'repair' }
  /** Read or restore a file that was saved in a pack, or save without packs. */
  | { readonly kind: 'packed' }
  /** End the count of the restores of a checkpoint, which was restored too often. */
  | { readonly kind: 'mark-good'; readonly step: number }
  /** Restore the next older good checkpoint in place of a corrupt one. */
  | { readonly kind: 'restore-with-fallback' }
  /** Take the store over, so that its owner can save nothing more, or belong to the job that owns it. */
  | { readonly kind: 'take-over'; readonly job?: string | undefined }
  /** Free space in the store. At least one way is open. */
  | {
      readonly kind: 'free-space'
      /** Whether the save succeeds if Holdfast may drop checkpoints to make room. */
      readonly canMakeRoom: boolean
      /** Whether a checkpoint can be deleted by hand: not a pinned one, and not the last good one. */
      readonly canDelete: boolean
      /** The steps that a repair pinned, and that can be deleted after a person unpins them. */
      readonly repairPinned: readonly number[]
      /** Whether unfinished saves of other writers take space. A sweep with `now` removes them. */
      readonly hasUnfinished: boolean
      /** Whether removed checkpoints, which an undo can list again, take space. A sweep with `now` deletes them. */
      readonly hasRemoved: boolean
    }

/** Phrases a hint in the methods and options of the library. */
export function remedyOf(hint: ErrorHint): string {
  switch (hint.kind) {
    case 'choose-config':
      return 'Pass it as the option config, which trusts it, or pass config: false to use none.'
    case 'exclude':
      return 'To leave it out, name it in the option exclude.'
    case 'name-adapter':
      return 'To use an adapter, pass it in the option adapters.'
    case 'bundle-adapter':
      return `Import { adapter } from '${hint.package}', and pass it in the option adapters: [adapter].`
    case 'replace':
      return "Choose another step, or replace it with onExisting: 'replace'."
    case 'copy-elsewhere':
      return "Copy to another step with toStep, or replace it with onExisting: 'replace'."
    case 'own-store':
      return 'Open the store in exclusive mode or as a job.'
    case 'own-mirror':
      return 'If no other store mirrors there any more, pass mirror: { takeOver: true }.'
    case 'copy-beside-job':
      return 'Leave out mirror, and call copyCheckpoints() in a process without ranks.'
    case 'save-together':
      return 'Open the store with ranks: { rank, size } to save together.'
    case 'wait-longer':
      return `If the others take longer, raise ranks.${hint.for}Timeout.`
    case 'leave-ranks':
      return hint.for === 'read'
        ? 'To read another one, open the store without ranks.'
        : 'Open the store without ranks when the job does not run.'
    case 'join-job':
      return 'To join the job, call restore() on all ranks.'
    case 'allow-best':
      return 'To allow it, pass allowBest: true.'
    case 'forget-objective':
      return `Choose another name, or forget the recorded objective first: forgetObjective(${JSON.stringify(hint.name)}).`
    case 'define-objective':
      return "Define one when you open the store: objectives: { loss: { metric: 'val_loss', direction: 'min' } }."
    case 'name-store':
      return 'Pass a path or URL.'
    case 'check-location':
      return 'Check its path or URL. The first save creates the store.'
    case 'save-first':
      return 'The first save creates the store.'
    case 'list':
      return 'store.list() returns the checkpoints that exist.'
    case 'keep-for-undo':
      return "A deletion can be undone if the retention has a grace period, such as grace: '1 d', or with undoFor of delete() and prune()."
    case 'list-removed':
      return 'store.removed() returns the checkpoints that can be undone.'
    case 'delete-for-good':
      return `To list the removed one, delete the later save of the step. That is final: store.delete([${hint.step}], { undoFor: 0 })`
    case 'pin-again':
      return 'After you correct that, call store.pin() again.'
    case 'unpin-again':
      return 'After you correct that, call store.unpin() again.'
    case 'verify':
      return 'store.verify() lists it again if it verifies.'
    case 'repair':
      return 'Call store.repair(), which lists the complete checkpoints again.'
    case 'packed':
      return "Read it with store.read(), or restore it. To give each file its own path, save with packs: 'never'."
    case 'mark-good':
      return `If step ${hint.step} works, call store.markGood(${hint.step}) without ranks, which ends the count of its restores.`
    case 'restore-with-fallback':
      return 'Restore with fallback: true to quarantine it and restore the next older good checkpoint.'
    case 'take-over':
      return hint.job === undefined
        ? 'Stop that writer, or open the store with takeOver: true. That writer can then save nothing more.'
        : `Open the store with job: ${JSON.stringify(hint.job)} to belong to that job. If the job has ended or must stop, open it with takeOver: true.`
    case 'free-space':
      return waysToFree(hint).join(' ')
  }
}

function waysToFree({
  canMakeRoom,
  canDelete,
  repairPinned,
  hasUnfinished,
  hasRemoved,
}: Extract<ErrorHint, { readonly kind: 'free-space' }>): readonly string[] {
  const deletion = canMakeRoom
    ? ['Let Holdfast drop checkpoints with space: { makeRoom: true }, or delete some with store.delete().']
    : canDelete
      ? ['Delete checkpoints with store.delete().']
      : []
  const unpinning =
    'If checkpoints that a repair pinned need no pin, pass their steps to store.unpin(), and delete them.'
  const ways = repairPinned.length > 0 ? [...deletion, unpinning] : deletion
  if (hasRemoved)
    return [
      ...ways,
      'store.sweep({ now: true }) deletes removed checkpoints for good, and unfinished saves of other writers.',
    ]
  if (!hasUnfinished) return ways
  return [
    ...ways,
    'If no other writer runs, call store.sweep({ now: true }), which deletes its unfinished saves.',
  ]
}
