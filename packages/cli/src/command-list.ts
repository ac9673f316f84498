import type { Command, DescribedCommand } from './declare/command.ts'
import { ownMember } from './own-member.ts'

/** A command in the list. */
export interface ListedCommand {
  readonly summary: string
  readonly load: () => Promise<Command>
}

/** Every command, in the order of the help. Only the command that runs is loaded. */
export const commands: Readonly<Record<string, ListedCommand>> = {
  save: {
    summary: 'Save files or folders as the checkpoint of a step.',
    load: async () => (await import('./commands/save.ts')).save,
  },
  watch: {
    summary: 'Save the checkpoints that a program writes into a folder, until it is stopped.',
    load: async () => (await import('./commands/watch.ts')).watch,
  },
  run: {
    summary: 'Run a program: restore, save what it writes, and start it again if it fails.',
    load: async () => (await import('./commands/run.ts')).runCommand,
  },
  import: {
    summary: 'Save the checkpoints that are in a folder already.',
    load: async () => (await import('./commands/import.ts')).importCommand,
  },
  ls: {
    summary: 'List the checkpoints.',
    load: async () => (await import('./commands/ls.ts')).ls,
  },
  runs: {
    summary: 'List all runs below a path or URL.',
    load: async () => (await import('./commands/runs.ts')).runs,
  },
  status: {
    summary: 'Show how old the latest checkpoint and its mirror are, and how full the disk is.',
    load: async () => (await import('./commands/status.ts')).status,
  },
  stats: {
    summary: 'Show what keeps how many bytes, the growth, and when the disk is full.',
    load: async () => (await import('./commands/stats.ts')).stats,
  },
  show: {
    summary: 'Show one checkpoint with its files and metadata.',
    load: async () => (await import('./commands/show.ts')).show,
  },
  diff: {
    summary: 'Compare two checkpoints: files, metrics, tags, metadata and tensors.',
    load: async () => (await import('./commands/diff.ts')).diff,
  },
  restore: {
    summary: 'Restore a checkpoint into a folder and verify every byte.',
    load: async () => (await import('./commands/restore.ts')).restore,
  },
  join: {
    summary: 'Join a job of many ranks without restoring files.',
    load: async () => (await import('./commands/join.ts')).join,
  },
  rewind: {
    summary: 'Return to an older checkpoint, which becomes the latest.',
    load: async () => (await import('./commands/rewind.ts')).rewind,
  },
  ok: {
    summary: 'State that the run works with a checkpoint, so that its restores are not counted any more.',
    load: async () => (await import('./commands/ok.ts')).ok,
  },
  verify: {
    summary: 'Verify checkpoints, and list quarantined ones again if they verify.',
    load: async () => (await import('./commands/verify.ts')).verify,
  },
  copy: {
    summary: 'Copy checkpoints into another store, and verify every byte on its way.',
    load: async () => (await import('./commands/copy.ts')).copy,
  },
  pin: {
    summary: 'Protect a checkpoint from deletion.',
    load: async () => (await import('./commands/pin.ts')).pin,
  },
  unpin: {
    summary: 'Allow pinned checkpoints to be deleted again.',
    load: async () => (await import('./commands/unpin.ts')).unpin,
  },
  rm: {
    summary: 'Delete checkpoints, except pinned ones, the best and the last good one.',
    load: async () => (await import('./commands/rm.ts')).rm,
  },
  prune: {
    summary: 'Delete the checkpoints that the retention does not keep, and print every reason.',
    load: async () => (await import('./commands/prune.ts')).prune,
  },
  undo: {
    summary: 'List checkpoints again that rm or prune deleted.',
    load: async () => (await import('./commands/undo.ts')).undo,
  },
  attach: {
    summary: 'Add metrics to a saved checkpoint.',
    load: async () => (await import('./commands/attach.ts')).attach,
  },
  best: {
    summary: 'Print the best checkpoint of each objective, or of one.',
    load: async () => (await import('./commands/best.ts')).best,
  },
  metrics: {
    summary: 'Show the metrics of every step, including steps whose checkpoint was deleted.',
    load: async () => (await import('./commands/metrics.ts')).metrics,
  },
  ui: {
    summary: 'Show the page of a run in a browser on this machine, and keep it up to date.',
    load: async () => (await import('./commands/ui.ts')).ui,
  },
  report: {
    summary: 'Write a page with curves and checkpoints into one file, which needs no network.',
    load: async () => (await import('./commands/report.ts')).report,
  },
  sweep: {
    summary: 'Delete leftovers of crashed and fenced writers.',
    load: async () => (await import('./commands/sweep.ts')).sweep,
  },
  repair: {
    summary: 'Rebuild a lost or damaged catalog from the checkpoints in the store.',
    load: async () => (await import('./commands/repair.ts')).repair,
  },
  doctor: {
    summary: 'Check everything that a writer requires of the store.',
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  config: {
    summary: 'Show which configuration applies, and where each value comes from.',
    load: async () => (await import('./commands/config.ts')).config,
  },
  completion: {
    summary: 'Print a script that lets bash, zsh or fish complete commands and options.',
    load: async () => (await import('./commands/completion.ts')).completion,
  },
  serve: {
    summary: 'Serve a program in another language over a pipe, such as the Python package.',
    load: async () => (await import('./commands/serve.ts')).serve,
  },
  path: {
    summary: 'Print the path of a file or folder on this machine, without verifying its bytes.',
    load: async () => (await import('./commands/path.ts')).path,
  },
  cat: {
    summary: 'Write a file of a checkpoint to standard output, and verify it.',
    load: async () => (await import('./commands/cat.ts')).cat,
  },
  sums: {
    summary: 'Print the digests of a checkpoint for sha256sum -c.',
    load: async () => (await import('./commands/sums.ts')).sums,
  },
}

/** Returns the commands that a command line can mean, by its first word. Declaring the others would take 5 % of `holdfast ls`. */
export function possibleCommands(firstWord = ''): readonly (readonly [string, ListedCommand])[] {
  const named = ownMember(commands, firstWord)
  return named === undefined ? Object.entries(commands) : [[firstWord, named]]
}

/** Loads all commands. */
export async function describeCommands(): Promise<readonly DescribedCommand[]> {
  return Promise.all(
    Object.entries(commands).map(async ([name, { summary, load }]) => ({ name, summary, ...(await load()) })),
  )
}
