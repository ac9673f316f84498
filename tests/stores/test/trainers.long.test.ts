import { execFile } from 'node:child_process'
import { glob, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { environmentOf, openAt } from './support/open-at.ts'
import { howToInstall, pythonEnvironment, pythonWithTrainers, runPython } from './support/python.ts'
import { kindsOfStore } from './support/kinds-of-store.ts'
import { surviveKills } from './support/survive-kills.ts'

const main = join(dirname(createRequire(import.meta.url).resolve('holdfast/package.json')), 'dist/main.js')
const examples = fileURLToPath(new URL('../../../examples/trainers', import.meta.url))
const compareWeights = fileURLToPath(new URL('programs/compare-weights.py', import.meta.url))
/** The command line resolves adapters from its working folder. */
const here = import.meta.dirname
const python = pythonWithTrainers(process.env)

const effort = Number(process.env['HOLDFAST_TEST_EFFORT'] ?? 1)
const kills = Number(process.env['HOLDFAST_KILLS'] ?? 6 * effort)
const saveEvery = 20
/** The steps of a training that is killed. It never reaches them, so a slow test is not too late to kill it. */
const endless = 1_000_000
/** The learning rates are constant, so the weights after a step do not depend on the number of steps. */
const trainers = [
  { script: 'plain_torch.py', fileOf: (step: number) => `checkpoint_${step}.pth` },
  { script: 'hugging_face.py', fileOf: (step: number) => `checkpoint-${step}/model.safetensors` },
  { script: 'lightning_trainer.py', fileOf: (step: number) => `epoch=*-step=${step}.ckpt` },
] as const

const stores = await kindsOfStore()
const disk = stores.filter(({ endpoint }) => endpoint === undefined)
const s3 = stores.filter(({ name }) => name.startsWith('s3')).slice(0, 1)
const seed = Number(process.env['HOLDFAST_SEED'] ?? Math.floor(Math.random() * 1e6))

describe.each([...disk, ...s3])('on $name', (kind) => {
  // All trainers save alike, so one of them shows that the store makes no difference. Each night, all do.
  const chosen = kind.endpoint === undefined || effort > 1 ? trainers : trainers.slice(0, 1)
  test.for(chosen)(
    `$script is killed ${kills} times at random and ends with the weights of its own resume (HOLDFAST_SEED=${seed})`,
    { timeout: 3 * 3_600_000 },
    async ({ script, fileOf }, { skip }) => {
      if (python === undefined) return skip(howToInstall)
      const folder = await mkdtemp(join(tmpdir(), 'holdfast-trainers-'))
      onTestFinished(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
      const place = kind.place()
      const env = { ...environmentOf(place), ...pythonEnvironment }
      const training = (out: string, steps: number): readonly string[] => [
        join(examples, script),
        join(folder, out),
        ...['--steps', String(steps), '--save-every', String(saveEvery)],
      ]
      const store = [
        '--store',
        place.url,
        ...(kind.endpoint === undefined ? [] : ['--adapter', '@holdfast/adapter-s3']),
      ]
      const runOf = (steps: number): readonly string[] => [
        ...[main, 'run', '--json', ...store, '--watch', join(folder, 'out')],
        ...['--restarts', String(2 * kills), '--restart-delay', '0', '--quiet-period', '0.2', '--'],
        ...[python, ...training('out', steps), '--pause', '0.02'],
      ]
      await surviveKills({
        command: [process.execPath, ...runOf(endless)],
        cwd: here,
        env,
        kills,
        random: randomFrom(seed),
      })
      await using watched = await openAt(kind, place, { mode: 'shared' })
      const before = (await watched.latest())?.step ?? 0
      const last = before + 5 * saveEvery
      await promisify(execFile)(process.execPath, runOf(last), { cwd: here, env, maxBuffer: 2 ** 26 })
      expect((await watched.latest())?.step).toBe(last)

      const restore = async (choice: string, to: string): Promise<void> => {
        const words = [main, 'restore', choice, '--to', join(folder, to), ...store]
        await promisify(execFile)(process.execPath, words, { cwd: here, env })
      }
      const expectEqual = async (...folders: readonly string[]): Promise<void> => {
        const files = await Promise.all(folders.map((name) => only(join(folder, name), fileOf(last))))
        await runPython(python, compareWeights, ...files)
      }
      await restore('latest', 'final')
      // The trainer's own resume, without Holdfast, from the step from which it continued last.
      await restore(String(before), 'resumed')
      await runPython(python, ...training('resumed', last))
      await expectEqual('final', 'resumed')
      await runPython(python, ...training('undisturbed', last))
      await expectEqual('final', 'undisturbed')
    },
  )
})

/** Returns the one file that matches. */
async function only(folder: string, pattern: string): Promise<string> {
  const [file, ...others] = await Array.fromAsync(glob(pattern, { cwd: folder }))
  if (file === undefined || others.length > 0) throw new Error(`Not one file in ${folder} is ${pattern}.`)
  return join(folder, file)
}

/** A small generator, so that a seed repeats the choices of a run. */
function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    return state / 2 ** 31
  }
}
