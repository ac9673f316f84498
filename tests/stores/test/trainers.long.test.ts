import { execFile } from 'node:child_process'
import { glob, mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { environmentOf } from './open.ts'
import { kindsOfStore } from './stores.ts'
import { surviveKills } from './trainers/killed-run.ts'
import { howToInstall, pythonEnvironment, pythonWithTrainers, runPython } from './trainers/python.ts'

const main = join(dirname(createRequire(import.meta.url).resolve('holdfast/package.json')), 'dist/main.js')
const examples = fileURLToPath(new URL('../../../examples/trainers', import.meta.url))
const compare = fileURLToPath(new URL('trainers/compare.py', import.meta.url))
/** The command line resolves adapters from its working folder. */
const here = import.meta.dirname
const python = pythonWithTrainers(process.env)

const kills = Number(process.env['HOLDFAST_KILLS'] ?? 20)
const steps = 100 * kills
const trainers = [
  { script: 'plain_torch.py', last: `checkpoint_${steps}.pth` },
  { script: 'hugging_face.py', last: `checkpoint-${steps}/model.safetensors` },
  { script: 'lightning_trainer.py', last: `epoch=*-step=${steps}.ckpt` },
] as const

const stores = await kindsOfStore()
const disk = stores.filter(({ endpoint }) => endpoint === undefined)
const s3 = stores.filter(({ name }) => name.startsWith('s3')).slice(0, 1)

describe.each([...disk, ...s3])('on $name', (kind) => {
  test.for(trainers)(
    '$script is killed at random and ends with the weights of its own resume',
    { timeout: 60 * 60_000 },
    async ({ script, last }, { skip }) => {
      if (python === undefined) return skip(howToInstall)
      const folder = await mkdtemp(join(tmpdir(), 'holdfast-trainers-'))
      onTestFinished(() => rm(folder, { recursive: true, force: true }))
      const place = kind.place()
      const env = { ...environmentOf(place), ...pythonEnvironment }
      const training = (out: string): readonly string[] => [
        join(examples, script),
        join(folder, out),
        ...['--steps', String(steps), '--save-every', '20'],
      ]
      const store = [
        '--store',
        place.url,
        ...(kind.endpoint === undefined ? [] : ['--adapter', '@holdfast/adapter-s3']),
      ]
      const seed = Number(process.env['HOLDFAST_SEED'] ?? Math.floor(Math.random() * 1e6))
      const { continued, ...survived } = await surviveKills({
        command: [
          ...[process.execPath, main, 'run', '--json', ...store, '--watch', join(folder, 'out')],
          ...['--restarts', String(2 * kills), '--restart-delay', '0', '--quiet-period', '0.2', '--'],
          ...[python, ...training('out'), '--pause', '0.02'],
        ],
        cwd: here,
        env,
        kills,
        random: randomFrom(seed),
      })
      expect(survived, `seed ${seed}`).toEqual({ exitCode: 0, kills })
      const restore = async (choice: string, to: string): Promise<void> => {
        const words = [main, 'restore', choice, '--to', join(folder, to), ...store]
        await promisify(execFile)(process.execPath, words, { cwd: here, env })
      }
      const expectEqual = async (...folders: readonly string[]): Promise<void> => {
        const files = await Promise.all(folders.map((name) => only(join(folder, name), last)))
        await runPython(python, compare, ...files)
      }
      await restore('latest', 'final')
      await runPython(python, ...training('undisturbed'))
      await expectEqual('final', 'undisturbed')
      // The trainer's own resume, without Holdfast, from the step from which it continued last.
      await restore(String(continued.at(-1)), 'resumed')
      await runPython(python, ...training('resumed'))
      await expectEqual('final', 'resumed')
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
