import { Command } from 'commander'
import { gather, parseMeta, parseMetric, parseObjective, parseStep, parseSteps } from './arguments.ts'
import { type ExitCode, exitCodesHelp } from './exit-codes.ts'
import { visibleLines } from './output/visible.ts'
import { withRetention } from './retention-options.ts'
import type { GlobalOptions } from './with-store.ts'

/** Declares a command under its name, with what it is for and one example that works as it stands. */
type Add = (description: string, example: string) => Command

/**
 * The command line: every command and its arguments. What a command does is in `commands/`, loaded when it runs, so
 * that `--version` and `--help` start at once. `words` are those after the program's name.
 */
export function buildProgram(
  version: string,
  words: readonly string[],
  signal: AbortSignal,
  done: (code: ExitCode) => void,
): Command {
  const program = new Command('holdfast')
    .description('Keeps the checkpoints of long jobs: saved whole or not at all, proved on every read.')
    .version(version, '-V, --version', 'print the version')
    .option('-s, --store <url>', 'a path or URL; else HOLDFAST_STORE, else holdfast.config.json or .ts')
    .option('--config <file>', 'use and trust this configuration file, wherever it lies')
    .option('--no-config', 'use no configuration file')
    .option('--adapter <package>', 'open stores of other kinds with this package; may be repeated', gather)
    .option('--json', 'lines of JSON for programs, the result last')
    .option('--take-over', 'write although an exclusive writer owns the store: it is fenced')
    .option('--objective <name=metric:min|max>', 'what "best" means; may be repeated', parseObjective)
    .option('--forget-objective <name>', 'first forget an objective of the store; may be repeated', gather)
    .addHelpText('after', `\n${exitCodesHelp}`)
    .showHelpAfterError('(holdfast --help tells more)')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      outputError: (text, write) => {
        write(visibleLines(text))
      },
    })
    .exitOverride()

  const commands: Readonly<Record<string, (add: Add) => Command>> = {
    save: (add) =>
      withRetention(
        add(
          'Save files or folders as the checkpoint of a step.',
          'holdfast save out/checkpoint.pth --step 42 --metric val_loss=0.183 --keep-last 5 --keep-best val_loss:min',
        ),
      )
        .argument('<file...>', 'files and folders, or - for standard input')
        .option('--step <n>', 'identifies the checkpoint (needed)', parseStep)
        .option('--epoch <n>', 'the epoch that it belongs to', parseStep)
        .option('--metric <name=value>', 'may be repeated', parseMetric)
        .option('--tag <tag>', 'may be repeated', gather)
        .option('--meta <name=value>', 'JSON or text; may be repeated', parseMeta)
        .option('--data-state <json|@file>', 'the position in the data; show and restore return it')
        .option('--name <name>', 'the name of standard input among the files', 'stdin')
        .option(
          '--exclude <glob>',
          'leave out files and folders; also .holdfastignore; may be repeated',
          gather,
        )
        .option('--replace', 'replace the step if it is saved already; a pinned or best one is refused')
        .option('--allow-best', 'let --replace replace the best of an objective')
        .action(async (files: string[], _, command: Command) => {
          needOption(command, 'step')
          const { save } = await import('./commands/save.ts')
          done(await save(files, command.optsWithGlobals(), signal))
        }),

    ls: (add) =>
      add('List the checkpoints.', 'holdfast ls').action(async (_, command: Command) => {
        const { ls } = await import('./commands/ls.ts')
        done(await ls(command.optsWithGlobals<GlobalOptions>(), signal))
      }),

    show: (add) =>
      add('Show one checkpoint with its files and metadata.', 'holdfast show latest')
        .argument('[checkpoint]', 'a step, latest, best or best:OBJECTIVE', 'latest')
        .action(async (checkpoint: string, _, command: Command) => {
          const { show } = await import('./commands/show.ts')
          done(await show(checkpoint, command.optsWithGlobals(), signal))
        }),

    restore: (add) =>
      add(
        'Deliver a checkpoint into a folder, proved byte by byte.',
        'holdfast restore latest --to resume/ --fallback',
      )
        .argument('[checkpoint]', 'a step, latest, best or best:OBJECTIVE', 'latest')
        .option('--to <folder>', 'made if need be; files of the same names are replaced (needed)')
        .option('--fallback', 'set a corrupt checkpoint aside and take the next older good one')
        .option('--file <name>', 'only this file; may be repeated', gather)
        .option('--exact', 'remove all other files from the folder')
        .action(async (checkpoint: string, _, command: Command) => {
          needOption(command, 'to')
          const { restore } = await import('./commands/restore.ts')
          done(await restore(checkpoint, command.optsWithGlobals(), signal))
        }),

    verify: (add) =>
      add(
        'Verify checkpoints against what was saved. Lists quarantined ones again that verify.',
        'holdfast verify --all',
      )
        .argument('[step...]', 'default: all', parseSteps)
        .option('--all', 'all checkpoints, and the documents of the store itself (the default)')
        .option('--quick', "sizes and the store's own digests only: finds what is missing or cut")
        .action(async (steps: readonly number[], options: { all?: boolean }, command: Command) => {
          if (options.all === true && steps.length > 0) command.error('error: give steps, or --all')
          const { verify } = await import('./commands/verify.ts')
          done(await verify(steps.length > 0 ? steps : undefined, command.optsWithGlobals(), signal))
        }),

    pin: (add) =>
      add('Keep a checkpoint from every deletion.', 'holdfast pin 12 --reason "before lr drop"')
        .argument('<step>', 'the checkpoint', parseStep)
        .option('--reason <text>', 'shown by ls')
        .action(async (step: number, _, command: Command) => {
          const { pin } = await import('./commands/pin.ts')
          done(await pin(step, command.optsWithGlobals(), signal))
        }),

    unpin: (add) =>
      add('Let a pinned checkpoint be deleted again.', 'holdfast unpin 12')
        .argument('<step>', 'the checkpoint', parseStep)
        .action(async (step: number, _, command: Command) => {
          const { unpin } = await import('./commands/pin.ts')
          done(await unpin(step, command.optsWithGlobals(), signal))
        }),

    rm: (add) =>
      add('Delete checkpoints. The pinned, the best and the last good one are refused.', 'holdfast rm 37 38')
        .argument('<step...>', 'the checkpoints', parseSteps)
        .option('--allow-best', 'also one that is the best of an objective')
        .action(async (steps: readonly number[], _, command: Command) => {
          const { rm } = await import('./commands/rm.ts')
          done(await rm(steps, command.optsWithGlobals(), signal))
        }),

    prune: (add) =>
      withRetention(
        add(
          'Drop the checkpoints that are not to be kept, and say why each stays or goes.',
          'holdfast prune --keep-last 5 --keep-best val_loss:min --dry-run',
        ),
      )
        .option('--dry-run', 'tell what would go, and change nothing')
        .action(async (_, command: Command) => {
          const { prune } = await import('./commands/prune.ts')
          done(await prune(command.optsWithGlobals(), signal))
        }),

    attach: (add) =>
      withRetention(
        add('Add metrics to a checkpoint after its save.', 'holdfast attach 42 --metric val_pck=0.914'),
      )
        .argument('<step>', 'the checkpoint', parseStep)
        .option('--metric <name=value>', 'may be repeated (needed)', parseMetric)
        .action(async (step: number, _, command: Command) => {
          needOption(command, 'metric')
          const { attach } = await import('./commands/attach.ts')
          done(await attach(step, command.optsWithGlobals(), signal))
        }),

    best: (add) =>
      add('Tell which checkpoint is the best, of each objective or of one.', 'holdfast best')
        .argument('[objective]', 'its name')
        .action(async (objective: string | undefined, _, command: Command) => {
          const { best } = await import('./commands/best.ts')
          done(await best(objective, command.optsWithGlobals<GlobalOptions>(), signal))
        }),

    metrics: (add) =>
      add('Show the metrics of every step, also of those whose checkpoint is gone.', 'holdfast metrics')
        .option('--plot', 'with curves (the default on a terminal)')
        .option('--no-plot', 'without')
        .action(async (_, command: Command) => {
          const { metrics } = await import('./commands/metrics.ts')
          done(await metrics(command.optsWithGlobals(), signal))
        }),

    sweep: (add) =>
      add('Remove what crashed and fenced writers left behind.', 'holdfast sweep --dry-run')
        .option('--dry-run', 'tell what would go, and change nothing')
        .action(async (_, command: Command) => {
          const { sweep } = await import('./commands/sweep.ts')
          done(await sweep(command.optsWithGlobals(), signal))
        }),

    repair: (add) =>
      add('Rebuild a lost or damaged catalog from what is there.', 'holdfast repair').action(
        async (_, command: Command) => {
          const { repair } = await import('./commands/repair.ts')
          done(await repair(command.optsWithGlobals<GlobalOptions>(), signal))
        },
      ),

    doctor: (add) =>
      add('Look at everything that a writer needs of the store.', 'holdfast doctor --store ./runs/a').action(
        async (_, command: Command) => {
          const { doctor } = await import('./commands/doctor.ts')
          done(await doctor(command.optsWithGlobals<GlobalOptions>(), signal))
        },
      ),

    path: (add) =>
      add(
        'Print where a file lies on this machine. Its bytes are not proved.',
        'holdfast path latest checkpoint.pth',
      )
        .argument('<checkpoint>', 'a step, latest, best or best:OBJECTIVE')
        .argument('<file>', 'its name in the checkpoint')
        .action(async (checkpoint: string, file: string, _, command: Command) => {
          const { path } = await import('./commands/path.ts')
          done(await path(checkpoint, file, command.optsWithGlobals(), signal))
        }),

    sums: (add) =>
      add(
        'Print the digests of a checkpoint for sha256sum -c.',
        '(cd resume && holdfast sums latest | sha256sum -c)',
      )
        .argument('[checkpoint]', 'a step, latest, best or best:OBJECTIVE', 'latest')
        .action(async (checkpoint: string, _, command: Command) => {
          const { sums } = await import('./commands/sums.ts')
          done(await sums(checkpoint, command.optsWithGlobals(), signal))
        }),
  }

  // A command in the first place is the one that runs; to declare the others would take longer than most commands.
  const [first = ''] = words
  const isFirst = Object.hasOwn(commands, first)
  for (const [name, declare] of Object.entries(commands)) {
    if (isFirst && name !== first) continue
    declare((description, example) =>
      program.command(name).description(description).addHelpText('after', `\nExample:\n  $ ${example}`),
    )
  }
  return program
}

/** Asked for here and not by commander, which would name a missing option before a misspelt one. */
function needOption(command: Command, name: string): void {
  if (command.getOptionValue(name) === undefined) command.error(`error: the option --${name} is needed`)
}
