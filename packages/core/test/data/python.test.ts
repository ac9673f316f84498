import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { BatchSampler, type DataState } from '../../src/data.ts'
import { temporaryFolder } from '../stores.ts'
import { environmentOfPython, pythonWith } from './python.ts'
import { vectors } from './vectors.ts'

const python = pythonWith()
const torch = pythonWith('torch')
const unless = (found: string | undefined, what: string): string =>
  found === undefined ? ` (skipped: ${what} is not installed)` : ''

function runPython(interpreter: string, words: readonly string[], input = ''): string {
  return execFileSync(interpreter, words, {
    cwd: import.meta.dirname,
    env: environmentOfPython,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'pipe'],
    input,
  })
}

/** Prints the batches that Python computes for each sampler on standard input, starting from its state. */
const batchesInPython = `
import json, sys
from holdfast_checkpoints.order import permutation, steps_from
for line in sys.stdin:
    case = json.loads(line)
    at = permutation(case["samples"], case["seed"], case["epoch"])
    steps = steps_from(case["epoch"], case["position"], case["samples"], case["batchSize"], case["lastBatch"], case["rank"], case["worldSize"])
    print(json.dumps([[[at(position) for position in positions], after] for positions, after in steps]))
`

describe.skipIf(python === undefined)(`the order in Python${unless(python, 'python3')}`, () => {
  test('produces every test vector, with a generator and draws that follow the specification', async () => {
    const reference = await readFile(new URL('reference.py', import.meta.url), 'utf8')
    const computed = runPython(python ?? '', ['-c', reference], JSON.stringify(vectors))
    expect(JSON.parse(computed)).toEqual(vectors)
  })

  test('equals the order in TypeScript: each batch of each worker, and the position after it, from any state', () => {
    const cases = fc
      .sample(
        fc
          .record({
            samples: fc.integer({ min: 1, max: 300 }),
            seed: fc.maxSafeNat(),
            epoch: fc.oneof(fc.nat(5), fc.maxSafeNat()),
            part: fc.double({ min: 0, max: 0.999, noNaN: true }),
            batchSize: fc.integer({ min: 1, max: 9 }),
            lastBatch: fc.constantFrom('short' as const, 'drop' as const, 'wrap' as const),
            worldSize: fc.integer({ min: 1, max: 5 }),
          })
          .filter(
            ({ samples, lastBatch, batchSize, worldSize, epoch }) =>
              epoch < Number.MAX_SAFE_INTEGER && (lastBatch !== 'drop' || batchSize * worldSize <= samples),
          ),
        300,
      )
      .flatMap(({ part, ...each }) =>
        Array.from({ length: each.worldSize }, (_, rank) => ({
          ...each,
          rank,
          position: Math.floor(part * each.samples),
        })),
      )
    const lines = runPython(
      python ?? '',
      ['-c', batchesInPython],
      cases.map((each) => JSON.stringify(each)).join('\n'),
    )
    const inPython = lines.trim().split('\n')
    expect(inPython.length).toBe(cases.length)
    for (const [index, { epoch, position, ...options }] of cases.entries()) {
      const sampler = new BatchSampler({ ...options, order: 'shuffled' })
      sampler.loadStateDict({ ...sampler.stateDict(), epoch, position })
      const batches = Array.from(sampler, (batch) => [batch, [sampler.epoch, sampler.position]])
      expect(JSON.stringify(batches)).toBe(JSON.stringify(JSON.parse(inPython[index] ?? '')))
    }
  })
})

interface Step {
  readonly samples: readonly number[]
  readonly state: DataState
}

/** Runs one rank of train.py, and kills it after it has reported `steps` steps. */
async function train(words: readonly string[], steps = Infinity): Promise<readonly Step[]> {
  const child = spawn(
    torch ?? '',
    ['train.py', ...words, '--workers', '2', '--epochs', '1', '--last-batch', 'short'],
    {
      cwd: import.meta.dirname,
      env: environmentOfPython,
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true, // a group of its own, so that the kill reaches its workers too
    },
  )
  const { pid } = child
  if (pid === undefined) throw new Error('Python could not be started.')
  const kill = (): void => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-pid, 'SIGKILL')
  }
  onTestFinished(kill)
  const exited = once(child, 'exit')
  const told: Step[] = []
  for await (const line of createInterface({ input: child.stdout })) {
    if (told.length < steps) told.push(JSON.parse(line) as Step)
    if (told.length === steps) kill()
  }
  const [code, signal] = (await exited) as [number | null, NodeJS.Signals | null]
  expect([code, signal]).toEqual(steps === Infinity ? [0, null] : [null, 'SIGKILL'])
  return told
}

/** Enough steps to fill the pipe to the reader, so that the kill happens before the training ends. */
const manySamples = 30_000

// The tests start 7 processes that import torch.
const timeout = 1_200_000

describe.skipIf(torch === undefined)(
  `a DataLoader of torch with workers${unless(torch, 'torch')}`,
  { timeout },
  () => {
    test('delivers each sample once if killed mid-epoch, resumed and killed on fewer ranks, and resumed on more', async () => {
      const folder = await temporaryFolder()
      let saved: DataState | undefined
      const shifts = [
        { worldSize: 2, batchSize: 10, steps: 7 },
        { worldSize: 1, batchSize: 16, steps: 4 },
        { worldSize: 3, batchSize: 64, steps: Infinity },
      ]
      const delivered: number[] = []
      for (const [index, { worldSize, batchSize, steps }] of shifts.entries()) {
        const before = saved?.position ?? 0
        const ranks = Array.from({ length: worldSize }, async (_, rank) => {
          const state = join(folder, `shift-${index}-rank-${rank}.json`)
          if (saved !== undefined) await writeFile(state, JSON.stringify(saved))
          const words = [
            '--state',
            state,
            '--batch-size',
            String(batchSize),
            '--samples',
            String(manySamples),
          ]
          return train([...words, '--rank', String(rank), '--world-size', String(worldSize)], steps)
        })
        const told = await Promise.all(ranks)
        const last = told.map((all) => all.at(-1)?.state)
        saved = last[0]
        for (const state of last) expect(state).toEqual(saved)
        if (steps !== Infinity)
          expect(saved).toMatchObject({ epoch: 0, position: before + steps * worldSize * batchSize })
        delivered.push(...told.flat().flatMap((step) => step.samples))
      }
      expect(saved).toMatchObject({ epoch: 1, position: 0 })
      expect(delivered.toSorted((one, other) => one - other)).toEqual(
        Array.from({ length: manySamples }, (_, sample) => sample),
      )
    })

    test('yields the same batches as TypeScript when it resumes from a state that TypeScript wrote', async () => {
      const state = join(await temporaryFolder(), 'state.json')
      const sampler = new BatchSampler({ samples: 300, order: 'shuffled', seed: 42, batchSize: 32 })
      const iterator = sampler[Symbol.iterator]()
      for (let turn = 0; turn < 3; turn += 1) iterator.next()
      await writeFile(state, JSON.stringify(sampler.stateDict()))
      const steps = await train(['--state', state, '--batch-size', '32', '--samples', '300'])
      expect(steps.map((step) => step.samples)).toEqual([...iterator])
      expect(steps.at(-1)?.state).toEqual(sampler.stateDict())
    })
  },
)
