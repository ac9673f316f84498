import type { ErrorHint } from '@holdfast/core'
import { commandOn } from './text.ts'

interface Advice {
  readonly reason: string
  readonly hint?: ErrorHint | undefined
  /** The URL of the store that the advice concerns. */
  readonly url?: string | undefined
}

/** Returns the reason of an error or a finding and, if it has a hint, a sentence with the command or option that helps. */
export function withHint({ reason, hint, url }: Advice): string {
  return hint === undefined ? reason : `${reason} ${phraseHint(hint, url)}`
}

/** Returns a hint in the options of the command line. `url` is that of the store, which may be another than that of the command. */
export function phraseHint(hint: ErrorHint, url?: string): string {
  switch (hint.kind) {
    case 'choose-config':
      return 'Pass --config FILE to trust one file, or --no-config to use none.'
    case 'exclude':
      return `Pass --exclude ${shellQuoted(globOf(hint.name))}, or list it in .holdfastignore.`
    case 'name-adapter':
      return `Pass --adapter ${hint.package ?? 'PACKAGE'} to load ${hint.package === undefined ? 'an adapter' : 'it'} from the working folder.`
    case 'bundle-adapter':
      return `Pass --adapter ${hint.package} to load it from the working folder.`
    case 'replace':
      return 'Pass --replace to replace it.'
    case 'copy-elsewhere':
      return 'Pass --to-step N to give the copy another step, or --replace.'
    case 'own-store':
      return 'Pass --job NAME, or set HOLDFAST_JOB.'
    case 'own-mirror':
      return 'If no other store mirrors there any more, pass --take-over-mirror to holdfast run or holdfast save.'
    case 'copy-beside-job':
      return 'Pass --no-mirror, and run holdfast copy STORE MIRROR --follow beside the job.'
    case 'save-together':
      return 'If several ranks of a job save this step, run holdfast save on each with --ranks env or --member FILE.'
    case 'wait-longer':
      return `If the other ranks need more time, pass a longer --${hint.for}-timeout SECONDS.`
    case 'leave-ranks':
      return hint.for === 'read'
        ? 'To read another one, leave out --ranks, --rank and --world-size.'
        : 'Leave out --ranks, --rank, --world-size and --member, and run the command when the job does not run.'
    case 'join-job':
      return 'To join the job, run holdfast restore latest --to DIR --ranks env --member FILE on all ranks when the program starts.'
    case 'allow-best':
      return 'Pass --allow-best to allow it.'
    case 'forget-objective':
      return `Pass --forget-objective ${hint.name} to forget the recorded one first.`
    case 'define-objective':
      return 'Pass --objective loss=val_loss:min to define one, or save with --keep-best val_loss:min.'
    case 'name-store':
      return 'Pass --store with a path or URL.'
    case 'check-location':
      return 'Check its path or URL.'
    case 'save-first':
      return 'Run holdfast save FILE --step 0 to save one.'
    case 'list':
      return 'Run holdfast ls to list the checkpoints.'
    case 'keep-for-undo':
      return 'A deletion can be undone with --undo-for 1d, or if "retention" in holdfast.config.json has a "grace".'
    case 'list-removed':
      return 'holdfast undo --dry-run lists the checkpoints that can be undone.'
    case 'delete-for-good':
      return `To list the removed one, delete the later save of the step. That is final: holdfast rm ${hint.step} --undo-for 0s`
    case 'pin-again':
      return `After you correct that, run ${commandOn('pin', hint.steps)} again.`
    case 'unpin-again':
      return `After you correct that, run ${commandOn('unpin', hint.steps)} again.`
    case 'verify':
      return `Run holdfast verify ${hint.step} to list it again if it verifies.`
    case 'repair':
      return repairText(url)
    case 'packed':
      return 'Read a file with holdfast cat, and a folder with holdfast restore --file FOLDER/. Save with --packs never to give each file its own path.'
    case 'mark-good':
      return `If step ${hint.step} works, run holdfast ok ${hint.step} --take-over, which ends the count of its restores.`
    case 'restore-with-fallback':
      return 'Pass --fallback to restore the next older good checkpoint.'
    case 'take-over':
      return hint.job === undefined
        ? 'If that writer has ended or must stop, pass --take-over. It can then save nothing more.'
        : `Pass --job ${shellQuoted(hint.job)} to belong to that job. If the job has ended or its save must stop, pass --take-over. With a --job of your own, the store then belongs to that job. Without one, the next save of ${shellQuoted(hint.job)} takes it again.`
    case 'free-space':
      return waysToFree(hint).join(' ')
  }
}

/**
 * The URL of a store locates it alone only if it is a folder. The location of another store may have parameters, and its options may
 * come from a configuration file that is code, which is ignored with `--store`.
 */
function repairText(url: string | undefined): string {
  if (url === undefined) return 'Run holdfast repair.'
  return url.startsWith('file:')
    ? `Run holdfast repair --store ${shellQuoted(url)}.`
    : `Repair ${url} with holdfast repair.`
}

function waysToFree({
  canMakeRoom,
  canDelete,
  repairPinned,
  hasUnfinished,
  hasRemoved,
}: Extract<ErrorHint, { readonly kind: 'free-space' }>): readonly string[] {
  const deletion = canMakeRoom
    ? ['Pass --make-room to let Holdfast drop checkpoints, or delete some with holdfast rm.']
    : canDelete
      ? ['Delete checkpoints with holdfast rm.']
      : []
  const unpinning = `If checkpoints that a repair pinned need no pin, run ${commandOn('unpin', repairPinned)} and then holdfast rm.`
  const ways = repairPinned.length > 0 ? [...deletion, unpinning] : deletion
  if (hasRemoved)
    return [
      ...ways,
      'holdfast sweep --now deletes removed checkpoints for good, and unfinished saves of other writers.',
    ]
  if (!hasUnfinished) return ways
  return [...ways, 'If no other writer runs, delete its unfinished saves with holdfast sweep --now.']
}

/** Quotes a word for a shell if it needs that. */
export function shellQuoted(text: string): string {
  return /^[\w./:@%-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
}

/** Returns a pattern that matches only this name. */
function globOf(name: string): string {
  return name.replace(/[\\*?[\]{}()!+@|]/g, '\\$&')
}
