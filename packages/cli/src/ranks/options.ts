import { HoldfastError, type RanksOptions } from '@holdfast/core'
import { expandHome } from '@holdfast/core/backend'
import { InvalidArgumentError } from 'commander'
import { parseSeconds, parseWhole } from '../parsing/arguments.ts'
import { option, type OptionsOf, text } from '../declare/declaration.ts'
import type { GlobalOptions } from '../declare/global-options.ts'
import { type Place, placeFromEnvironment, type Variables } from './environment.ts'

/** Options of the commands that the ranks of a job run together. */
export const ranksOptions = {
  ranks: option(
    '<env>',
    'act together with the other ranks of a job, as the rank that torchrun, Slurm or MPI names',
    parseEnv,
  ),
  rank: option('<n>', 'the number of this rank, in place of --ranks env', parseWhole),
  worldSize: option('<n>', 'the number of ranks', parseWhole),
  member: option(
    '<file>',
    'a file with the membership of this rank: restore, join and rewind write it, save reads it',
    text,
  ),
}

export const joinTimeoutOption = option(
  '<seconds>',
  'how long to wait for the other ranks to join, and to verify their files; default: 600 and 1800',
  parseTimeout,
)

export const saveTimeoutOption = option(
  '<seconds>',
  'how long to wait for the parts of the other ranks; default: 1800',
  parseTimeout,
)

type Options = OptionsOf<typeof ranksOptions> &
  Pick<GlobalOptions, 'job' | 'takeOver'> & {
    readonly joinTimeout?: number | undefined
    readonly saveTimeout?: number | undefined
  }

/** For commands that one rank may run alone. A rank that joined by itself would start the job again. */
export const memberOption = option(
  '<file>',
  'prune as a rank of a job: the file that restore or join wrote',
  text,
)

/** The ranks of a command, and what it must tell its user about them. */
export interface ChosenRanks {
  readonly ranks: RanksOptions
  readonly note: string | undefined
}

/**
 * Returns the place of this command in a job of many ranks; `undefined` if the command acts alone. Throws
 * `INVALID_ARGUMENT` for options that contradict each other or the environment.
 */
export function chosenRanks(options: Options, variables: Variables = process.env): ChosenRanks | undefined {
  const { ranks, rank, worldSize, member, joinTimeout, saveTimeout } = options
  if (ranks === undefined && rank === undefined && worldSize === undefined && member === undefined) {
    if (joinTimeout ?? saveTimeout)
      throw invalid('A timeout for other ranks requires --ranks env or --member FILE.')
    return undefined
  }
  refuseOtherOwners(options)
  const memberFile = member === undefined ? undefined : expandHome(member)
  const stated = ranks === undefined ? undefined : placeFromEnvironment(variables)
  const given = placeGiven(rank, worldSize)
  if (stated !== undefined) refuseContradiction(stated, rank, worldSize, stated.source)
  const place = stated ?? given
  const limits = { joinTimeout, saveTimeout }
  if (place === undefined) {
    if (rank !== undefined || worldSize !== undefined || memberFile === undefined)
      throw missing(rank === undefined ? '--rank' : '--world-size')
    return { ranks: { memberFile, ...limits }, note: undefined }
  }
  const { rank: number, size } = place
  const note = stated && `rank ${number} of ${size}, by ${stated.source}`
  return { ranks: { rank: number, size, memberFile, ...limits }, note }
}

/** Returns the ranks of a command that acts as a member and does not join. */
export function ranksOfMember(
  options: Pick<GlobalOptions, 'job' | 'takeOver'> & { readonly member?: string | undefined },
): ChosenRanks | undefined {
  return chosenRanks({
    ranks: undefined,
    rank: undefined,
    worldSize: undefined,
    member: undefined,
    ...options,
  })
}

/** The error for a command that joins a job and does not know its place. */
export function unknownPlace(): HoldfastError {
  return invalid(
    'A rank that joins its job must know its number. Pass --ranks env, or --rank and --world-size.',
  )
}

function placeGiven(rank: number | undefined, size: number | undefined): Place | undefined {
  if (rank === undefined || size === undefined) return undefined
  if (rank < size) return { rank, size }
  throw invalid(`--rank ${rank} must be below --world-size ${size}.`)
}

function refuseContradiction(
  stated: Place,
  rank: number | undefined,
  size: number | undefined,
  source: string,
): void {
  if ((rank ?? stated.rank) === stated.rank && (size ?? stated.size) === stated.size) return
  throw invalid(
    `--rank and --world-size contradict the environment, where ${source} say rank ${stated.rank} of ${stated.size}. ` +
      'Leave out --ranks env to use the options.',
  )
}

/** The term of the job owns the store. */
function refuseOtherOwners({ job, takeOver }: Options): void {
  if (job === undefined && takeOver !== true) return
  throw invalid(
    `The ranks of a job own the store together, so ${job === undefined ? '--take-over' : '--job'} has no meaning. ` +
      'Leave out the option.',
  )
}

function missing(name: string): HoldfastError {
  return invalid(`${name} is missing. Pass --rank together with --world-size, or --ranks env.`)
}

function parseEnv(value: string): 'env' {
  if (value === 'env') return value
  throw new InvalidArgumentError('It must be "env". To name the rank yourself, pass --rank and --world-size.')
}

function parseTimeout(value: string): number {
  const milliseconds = parseSeconds(value)
  if (milliseconds > 0) return milliseconds
  throw new InvalidArgumentError('It must be a number of seconds above 0, or a duration such as 2min.')
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
