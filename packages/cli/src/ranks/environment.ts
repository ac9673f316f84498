import { HoldfastError } from '@holdfast/core'
import { ownMember } from '../own-member.ts'

/** The place of this process among the ranks of its job. */
export interface Place {
  readonly rank: number
  readonly size: number
}

/** A place, and the variables that state it. */
export interface StatedPlace extends Place {
  /** Such as `RANK and WORLD_SIZE (torchrun)`. */
  readonly source: string
}

export type Variables = Readonly<Record<string, string | undefined>>

/** The variables of one launcher. The first size that is set counts. */
interface Launcher {
  readonly name: string
  readonly rank: string
  readonly sizes: readonly string[]
}

/**
 * The variables of torchrun, which other launchers and scripts set as well:
 * https://docs.pytorch.org/docs/stable/elastic/run.html#environment-variables
 */
const torchrun: Launcher = { name: 'torchrun', rank: 'RANK', sizes: ['WORLD_SIZE'] }

/** https://docs.open-mpi.org/en/v5.0.x/tuning-apps/environment-var.html */
const openMpi: Launcher = {
  name: 'Open MPI',
  rank: 'OMPI_COMM_WORLD_RANK',
  sizes: ['OMPI_COMM_WORLD_SIZE'],
}

/** MPICH, Intel MPI, and `srun --mpi=pmi2`. */
const pmi: Launcher = { name: 'PMI', rank: 'PMI_RANK', sizes: ['PMI_SIZE'] }

/** https://slurm.schedmd.com/srun.html#SECTION_OUTPUT-ENVIRONMENT-VARIABLES */
const slurm: Launcher = {
  name: 'Slurm',
  rank: 'SLURM_PROCID',
  sizes: ['SLURM_STEP_NUM_TASKS', 'SLURM_NTASKS'],
}

const launchers = [torchrun, openMpi, pmi, slurm]

/**
 * Returns the place that the launcher of this process states in the environment. Throws `INVALID_ARGUMENT` if no launcher
 * states one, or if they contradict each other.
 *
 * Launchers are nested, and the innermost counts: torchrun starts several ranks in each task of Slurm, and `mpirun` starts
 * ranks below a helper process that is a task of Slurm. `TORCHELASTIC_RUN_ID` shows that torchrun itself has started this
 * process. Without it, somebody else has set RANK and WORLD_SIZE, which must then agree with the launcher.
 */
export function placeFromEnvironment(variables: Variables): StatedPlace {
  const stated = launchers.flatMap((launcher) => statedBy(launcher, variables))
  const counted = innermost(stated, variables)
  const [first, ...others] = counted
  if (first === undefined) throw nothingStated(variables)
  const other = others.find(({ rank, size }) => rank !== first.rank || size !== first.size)
  if (other !== undefined)
    throw invalid(
      `The environment contradicts itself: ${first.source} say rank ${first.rank} of ${first.size}, and ${other.source} ` +
        `say rank ${other.rank} of ${other.size}. Unset the wrong ones, or pass --rank and --world-size in place of --ranks env.`,
    )
  return { rank: first.rank, size: first.size, source: counted.map(({ source }) => source).join(', ') }
}

/**
 * Returns the variables that say that this process is one of several ranks, such as `RANK and WORLD_SIZE (torchrun)`. For advice:
 * so a value that is not valid states nothing, and launchers that contradict each other are not compared.
 */
export function statesSeveralRanks(variables: Variables): string | undefined {
  const counted = launchers.filter((launcher) => launcher !== slurm || !isBatchScript(variables))
  for (const { name, rank, sizes } of counted) {
    const size = sizes.find((each) => isSet(variables, each))
    if (size !== undefined && isSet(variables, rank) && Number(ownMember(variables, size)) > 1)
      return `${rank} and ${size} (${name})`
  }
  return undefined
}

type Stated = StatedPlace & { readonly launcher: Launcher }

/** Returns the place that one launcher states. A pair of which one variable is missing states none. */
function statedBy(launcher: Launcher, variables: Variables): readonly Stated[] {
  const sizeName = launcher.sizes.find((name) => isSet(variables, name))
  if (sizeName === undefined || !isSet(variables, launcher.rank)) return []
  const rank = wholeOf(launcher.rank, variables)
  const size = wholeOf(sizeName, variables)
  const source = `${launcher.rank} and ${sizeName} (${launcher.name})`
  if (rank >= size)
    throw invalid(`${launcher.rank} is ${rank}, and must be below ${sizeName}, which is ${size}.`)
  return [{ launcher, rank, size, source }]
}

function innermost(stated: readonly Stated[], variables: Variables): readonly Stated[] {
  const byTorchrun = stated.filter(({ launcher }) => launcher === torchrun)
  if (byTorchrun.length > 0 && isSet(variables, 'TORCHELASTIC_RUN_ID')) return byTorchrun
  const hasMpi = stated.some(({ launcher }) => launcher === openMpi || launcher === pmi)
  return hasMpi || isBatchScript(variables) ? stated.filter(({ launcher }) => launcher !== slurm) : stated
}

/** Slurm runs the script of a job as rank 0 of all tasks, outside of a step. That script is alone. */
function isBatchScript(variables: Variables): boolean {
  return (
    isSet(variables, 'SLURM_JOB_ID') &&
    !isSet(variables, 'SLURM_STEP_ID') &&
    !isSet(variables, 'SLURM_STEPID')
  )
}

function nothingStated(variables: Variables): HoldfastError {
  if (statedBy(slurm, variables).length > 0)
    return invalid(
      'This is the batch script of a Slurm job, not one of its ranks. Start the ranks with srun or torchrun.',
    )
  const half = launchers.find(
    ({ rank, sizes }) => isSet(variables, rank) !== sizes.some((name) => isSet(variables, name)),
  )
  if (half !== undefined) {
    const [size = ''] = half.sizes
    const [set, missing] = isSet(variables, half.rank) ? [half.rank, size] : [size, half.rank]
    return invalid(
      `${set} is set, and ${missing} is not. Set both, or pass --rank and --world-size in place of --ranks env.`,
    )
  }
  const names = launchers.map(({ name, rank }) => `${rank} of ${name}`).join(', ')
  return invalid(
    `The environment does not state a rank (${names}). Start the program with such a launcher, or pass --rank and --world-size.`,
  )
}

/** An empty variable counts as unset. */
function isSet(variables: Variables, name: string): boolean {
  return (ownMember(variables, name) ?? '') !== ''
}

function wholeOf(name: string, variables: Variables): number {
  const value = ownMember(variables, name) ?? ''
  if (/^\d{1,9}$/.test(value)) return Number(value)
  throw invalid(`${name} must be a whole number from 0, not ${JSON.stringify(value)}.`)
}

function invalid(message: string): HoldfastError {
  return new HoldfastError('INVALID_ARGUMENT', message)
}
