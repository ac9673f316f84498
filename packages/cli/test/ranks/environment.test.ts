import { expect, test } from 'vitest'
import { placeFromEnvironment, statesSeveralRanks, type Variables } from '../../src/ranks/environment.ts'

const torchrun = { RANK: '3', WORLD_SIZE: '8' }
const byTorchrun = { ...torchrun, TORCHELASTIC_RUN_ID: 'none', LOCAL_RANK: '3' }
const slurm = { SLURM_JOB_ID: '7', SLURM_STEP_ID: '0', SLURM_PROCID: '3', SLURM_NTASKS: '8' }
const openMpi = { OMPI_COMM_WORLD_RANK: '3', OMPI_COMM_WORLD_SIZE: '8' }
const pmi = { PMI_RANK: '3', PMI_SIZE: '8' }

test.each<readonly [string, Variables, string]>([
  ['torchrun', byTorchrun, 'RANK and WORLD_SIZE (torchrun)'],
  ['a script that sets the variables of torchrun', torchrun, 'RANK and WORLD_SIZE (torchrun)'],
  ['srun', slurm, 'SLURM_PROCID and SLURM_NTASKS (Slurm)'],
  [
    'two variables of Slurm',
    { SLURM_PROCID: '3', SLURM_NTASKS: '8' },
    'SLURM_PROCID and SLURM_NTASKS (Slurm)',
  ],
  [
    'a step of fewer tasks than the job',
    { ...slurm, SLURM_NTASKS: '64', SLURM_STEP_NUM_TASKS: '8' },
    'SLURM_PROCID and SLURM_STEP_NUM_TASKS (Slurm)',
  ],
  ['Open MPI', openMpi, 'OMPI_COMM_WORLD_RANK and OMPI_COMM_WORLD_SIZE (Open MPI)'],
  ['PMI', pmi, 'PMI_RANK and PMI_SIZE (PMI)'],
  [
    'launchers that agree',
    { ...torchrun, ...slurm },
    'RANK and WORLD_SIZE (torchrun), SLURM_PROCID and SLURM_NTASKS (Slurm)',
  ],
  [
    'torchrun in each of two tasks of Slurm',
    { ...byTorchrun, ...slurm, SLURM_PROCID: '0', SLURM_NTASKS: '2' },
    'RANK and WORLD_SIZE (torchrun)',
  ],
  [
    'torchrun in the batch script of a Slurm job',
    { ...torchrun, SLURM_JOB_ID: '7', SLURM_PROCID: '0', SLURM_NTASKS: '1' },
    'RANK and WORLD_SIZE (torchrun)',
  ],
  [
    'mpirun below helper processes of Slurm',
    { ...openMpi, ...slurm, SLURM_PROCID: '1', SLURM_NTASKS: '2' },
    'OMPI_COMM_WORLD_RANK and OMPI_COMM_WORLD_SIZE (Open MPI)',
  ],
  [
    'a variable of another launcher that is alone',
    { ...slurm, RANK: '5' },
    'SLURM_PROCID and SLURM_NTASKS (Slurm)',
  ],
  ['empty variables', { ...slurm, RANK: '', WORLD_SIZE: '' }, 'SLURM_PROCID and SLURM_NTASKS (Slurm)'],
])('reads the rank of %s', (_, variables, source) => {
  expect(placeFromEnvironment(variables)).toEqual({ rank: 3, size: 8, source })
})

test.each<readonly [string, Variables, string]>([
  ['no rank', { PATH: '/bin' }, 'does not state a rank'],
  ['an inherited member', {}, 'does not state a rank'],
  ['a rank without a size', { RANK: '3' }, 'RANK is set, and WORLD_SIZE is not'],
  ['a size without a rank', { PMI_SIZE: '3' }, 'PMI_SIZE is set, and PMI_RANK is not'],
  ['a rank that is no number', { RANK: 'x', WORLD_SIZE: '2' }, 'RANK must be a whole number from 0, not "x"'],
  ['a negative rank', { RANK: '-1', WORLD_SIZE: '2' }, 'RANK must be a whole number'],
  [
    'a rank that is not below the size',
    { RANK: '2', WORLD_SIZE: '2' },
    'must be below WORLD_SIZE, which is 2',
  ],
  [
    'another rank of Slurm than RANK',
    { ...slurm, RANK: '0', WORLD_SIZE: '8' },
    'RANK and WORLD_SIZE (torchrun) say rank 0 of 8, and SLURM_PROCID and SLURM_NTASKS (Slurm) say rank 3 of 8',
  ],
  ['another size of MPI than WORLD_SIZE', { ...openMpi, RANK: '3', WORLD_SIZE: '4' }, 'contradicts itself'],
  ['two kinds of MPI', { ...openMpi, PMI_RANK: '1', PMI_SIZE: '8' }, 'contradicts itself'],
  [
    'the batch script of a Slurm job',
    { SLURM_JOB_ID: '7', SLURM_PROCID: '0', SLURM_NTASKS: '8' },
    'Start the ranks with srun or torchrun',
  ],
])('rejects %s', (_, variables, message) => {
  expect(() => placeFromEnvironment(variables)).toThrow(message)
})

test.each<readonly [string, Variables, string | undefined]>([
  ['torchrun', torchrun, 'RANK and WORLD_SIZE (torchrun)'],
  ['srun', slurm, 'SLURM_PROCID and SLURM_NTASKS (Slurm)'],
  ['Open MPI', openMpi, 'OMPI_COMM_WORLD_RANK and OMPI_COMM_WORLD_SIZE (Open MPI)'],
  ['PMI', pmi, 'PMI_RANK and PMI_SIZE (PMI)'],
  ['one rank', { RANK: '0', WORLD_SIZE: '1' }, undefined],
  ['the batch script of a Slurm job', { SLURM_JOB_ID: '7', SLURM_PROCID: '0', SLURM_NTASKS: '8' }, undefined],
  ['a step of one task', { ...slurm, SLURM_STEP_NUM_TASKS: '1' }, undefined],
  ['a size without a rank', { WORLD_SIZE: '8' }, undefined],
  ['a variable that is not a number', { RANK: '0', WORLD_SIZE: 'all' }, undefined],
])('says whether a launcher states several ranks: %s', (_, variables, source) => {
  expect(statesSeveralRanks(variables)).toBe(source)
})
