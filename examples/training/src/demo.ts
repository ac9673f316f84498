/**
 * Trains a small network three times: without interruption, killed with SIGKILL in the middle of a save and resumed in the
 * middle of the epoch, and with a mirror after its disk was deleted. All runs must end with the same weights, bit for bit.
 */
import { fork, type ForkOptions } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { styleText } from 'node:util'
import { type CheckpointBackend, formatSize, locationBelow, openStore } from '@holdfast/core'
import { isMessage, type Message } from './messages.ts'

type Finished = Extract<Message, { kind: 'finished' }>

/** Where each training continued from. */
const continuedFrom: string[] = []

const [word] = process.argv.slice(2)
if (word !== undefined) {
  const usage =
    'Usage: npx -y pnpm@12 demo, without options. HOLDFAST_DEMO_STORE is the place of its stores.\n'
  const isHelp = word === '--help'
  ;(isHelp ? process.stdout : process.stderr).write(usage)
  process.exit(isHelp ? 0 : 2)
}

const program = fileURLToPath(new URL('train.ts', import.meta.url))
const killAtStep = 200
const began = performance.now()
const folder = await mkdtemp(join(tmpdir(), 'holdfast-demo-'))
const [calm, stormy, mirror] = storesFor(process.env['HOLDFAST_DEMO_STORE'])
/** The disk of the machine that is lost in the third act. */
const disk = join(folder, 'disk')

say(styleText('bold', 'A small network learns handwritten digits. It is killed in the middle of a save.'))

heading('Without interruption')
const expected = requireEnd(await train(calm))
describeEnd(expected)

heading('Killed')
const ended = await train(stormy, { killAt: killAtStep })
if (ended !== undefined) throw new Error('The training ended before it could be killed')
await describeLeavings()

heading('Started again with the same command')
const actual = requireEnd(await train(stormy))
describeEnd(actual)

heading('With a mirror, and the disk of the machine is lost')
await loseMachine()
await rm(disk, { recursive: true })
say(`    ${styleText('red', 'the disk is deleted')}`)
const recovered = requireEnd(await train(disk, { mirror }))
if (continuedFrom.at(-1) !== 'mirror') throw new Error('The training did not continue from the mirror')
describeEnd(recovered)

heading('Outcome')
const same = [actual, recovered].every(({ sha256 }) => sha256 === expected.sha256)
if (same) say(`    ${styleText('green', '✓')} the same weights, bit for bit, as without interruption`)
else say(`    ${styleText('red', '✗')} the weights differ`)
await describeStore()
say(styleText('dim', `    ${((performance.now() - began) / 1000).toFixed(0)} s in total`))
await rm(folder, { recursive: true })
process.exitCode = same ? 0 : 1

/**
 * Runs the training in a child process, and kills it while it saves step `killAt`. Returns its result unless
 * killed.
 */
async function train(
  store: string,
  { killAt, mirror: copies }: { readonly killAt?: number; readonly mirror?: string } = {},
): Promise<Finished | undefined> {
  const words = copies === undefined ? [store] : [store, copies]
  const child = fork(program, words, killAt === undefined ? {} : killedUpon(`saving ${killAt}`))
  let finished: Finished | undefined
  child.on('message', (message) => {
    if (!isMessage(message)) return
    if (message.kind === 'finished') finished = message
    if (message.kind === 'saving' && message.step === killAt) {
      const part = `${formatSize(message.bytes)} of ${formatSize(message.total)}`
      say(`    saving step ${message.step}, ${part} written ... ${styleText('red', 'SIGKILL')}`)
    }
    describe(message)
  })
  const [code, signal] = await new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve) => {
    child.on('close', (...how) => {
      resolve(how)
    })
  })
  if (code !== 0 && signal !== 'SIGKILL')
    throw new Error(`The training failed with ${String(code ?? signal)}. Its error is above.`)
  return finished
}

/** Options of a process that kills itself upon a message. A kill by this process could come after the save. */
function killedUpon(message: string): ForkOptions {
  const killer = new URL('kill-upon.ts', import.meta.url).href
  return { execArgv: [...process.execArgv, '--import', killer], env: { ...process.env, KILL_UPON: message } }
}

/** Trains with a mirror, and kills the machine in the middle of a save. */
async function loseMachine(): Promise<void> {
  const lost = await train(disk, { killAt: killAtStep, mirror })
  if (lost !== undefined) throw new Error('The training ended before its machine could be lost')
}

function describe(message: Message): void {
  if (message.kind === 'resumed') {
    continuedFrom.push(message.from)
    const where = `epoch ${message.epoch + 1}, after ${message.position} samples`
    const from = message.from === 'mirror' ? ' from the mirror' : ''
    say(
      `    resumed from step ${message.step}${from} (${where}): ${formatSize(message.bytes)} restored and verified`,
    )
  }
  if (message.kind === 'saved' && message.step % 75 === 0) {
    const best = message.best ? '  best so far' : ''
    say(
      `    step ${String(message.step).padStart(3)}  loss ${message.loss.toFixed(3)}  accuracy ${percent(message.accuracy)}${best}`,
    )
  }
}

function describeEnd({ steps, accuracy, sha256 }: Finished): void {
  say(`    ended after ${steps} steps, accuracy ${percent(accuracy)}, weights ${sha256.slice(0, 16)}…`)
}

/** Reports what the crash left: the newest good checkpoint, and leftover bytes that no list shows. */
async function describeLeavings(): Promise<void> {
  const store = await openStore(stormy, { mode: 'shared' })
  const latest = await store.latest()
  const left = await bytesOfStep(store.backend, killAtStep)
  await store.close()
  const half =
    left > 0 ? `; ${formatSize(left)} of step ${killAtStep} are leftovers that no command lists` : ''
  say(`    the newest checkpoint is step ${String(latest?.step)}, complete${half}`)
}

async function bytesOfStep(backend: CheckpointBackend, step: number): Promise<number> {
  const prefix = `data/${step}-`
  let bytes = 0
  for await (const { size } of backend.list(prefix)) bytes += size
  const { discarded } = await backend.sweep({ olderThan: 0, prefix, dryRun: true })
  return discarded.reduce((sum, { size = 0 }) => sum + size, bytes)
}

async function describeStore(): Promise<void> {
  const store = await openStore(stormy, {
    mode: 'shared',
    objectives: { accuracy: { metric: 'accuracy', direction: 'max' } },
  })
  const { good, checkpoints } = await store.verify()
  const best = await store.best()
  await store.close()
  if (!good) throw new Error('The store has corrupt checkpoints')
  say(
    `    ${styleText('green', '✓')} ${checkpoints.length} checkpoints, every byte verified; the best is step ${String(best?.step)}`,
  )
}

function storesFor(base: string | undefined): readonly [string, string, string] {
  const isOnDisk = base === undefined || base === ''
  const place = (name: string): string =>
    isOnDisk ? join(folder, name) : locationBelow(base, `${name}-${process.pid}`)
  return [place('calm'), place('stormy'), place('mirror')]
}

function requireEnd(finished: Finished | undefined): Finished {
  if (finished === undefined) throw new Error('The training was killed before it ended')
  return finished
}

function heading(text: string): void {
  say(`\n${styleText('bold', text)}`)
}

function say(text: string): void {
  console.log(text)
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)}%`
}
