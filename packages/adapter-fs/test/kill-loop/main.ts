/** Kills writers repeatedly on a real disk: `npx -y pnpm@12 kill-loop [--kills 200] [--jobs 4] [--seed 7]`. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readCommandLine, wholeNumber } from '../../../../scripts/parts/command-line.ts'
import { killLoop } from './kill-loop.ts'

const config = {
  options: {
    kills: { type: 'string', default: '200' },
    jobs: { type: 'string', default: '4' },
    seed: { type: 'string', default: String(Date.now() % 1e9) },
  },
} as const
const { kills, jobs, first } = readCommandLine(import.meta.filename, config, ({ values }) => {
  const all = wholeNumber('--kills', values.kills)
  return {
    kills: all,
    jobs: Math.min(wholeNumber('--jobs', values.jobs), all),
    first: wholeNumber('--seed', values.seed, 0),
  }
})
const began = performance.now()
const cut = new Map<string, number>()
let done = 0
console.log(`${kills} kills on ${jobs} stores at once, seeds from ${first}`)

/**
 * Runs one job with its own store and seed. To repeat one job, pass `--jobs 1 --seed` and its seed. The store of a
 * failed job is kept.
 */
async function job(seed: number, share: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-kill-'))
  await killLoop({
    folder,
    seed,
    kills: share,
    onKill: (_, operations) => {
      for (const { kind } of operations) cut.set(kind, (cut.get(kind) ?? 0) + 1)
      done += 1
      if (done % 500 === 0) console.log(`${done} kills, nothing lost`)
    },
  })
  await rm(folder, { recursive: true })
}

await Promise.all(
  Array.from({ length: jobs }, (_, index) => job(first + index, Math.ceil((kills - index) / jobs))),
)
const seconds = ((performance.now() - began) / 1000).toFixed(0)
const kinds = [...cut].map(([kind, times]) => `${kind} ${times}`).join(', ')
console.log(`${done} kills in ${seconds} s, nothing lost. Cut short: ${kinds}`)
