import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { HoldfastError, isHoldfastError } from '@holdfast/core'
import { abortedError, nodeErrorCode } from '@holdfast/core/backend'
import type { Interruption } from '../signals/interruption.ts'
import { type Input, nonEmpty, readChunks } from './standard-input.ts'

type Child = ChildProcessByStdio<null, Readable, null>

interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

interface Running {
  readonly child: Child
  readonly exited: Promise<Exit>
}

/** Milliseconds that a command has to end after it was asked to, before it is killed. */
const patience = 2_000

/**
 * Returns what a command writes to its standard output. The command starts when the stream is first read, so a save that is
 * refused does not run it. The stream ends without an error only if the command exits with 0. Signals are passed on to the
 * command, not to its children: a pipeline whose first program is ended by a signal can exit with 0. Disposing ends a
 * command that still runs, with its children.
 */
export function outputOfCommand(
  command: readonly string[],
  interruption: Interruption,
  mayBeEmpty: boolean,
): Input {
  let running: Running | undefined
  async function* output(): AsyncGenerator<Uint8Array> {
    try {
      running = start(command, interruption)
      await once(running.child, 'spawn') // Node.js throws some errors of a start, and emits the others
    } catch (error) {
      running = undefined
      throw isHoldfastError(error) ? error : cannotStart(command, error)
    }
    const { child, exited } = running
    const chunks = chunksOf(child, exited, command, interruption)
    yield* await nonEmpty(chunks, mayBeEmpty, `The command ${command.join(' ')} wrote nothing`)
  }
  return {
    stream: output(),
    [Symbol.asyncDispose]: async () => {
      if (running !== undefined) await end(running)
    },
  }
}

function start(command: readonly string[], interruption: Interruption): Running {
  const [program = '', ...words] = command
  if (interruption.isAsked)
    throw new HoldfastError(
      'ABORTED',
      `The save was terminated before the command ${program} was started. Nothing was saved.`,
    )
  const child = spawn(program, words, {
    stdio: ['inherit', 'pipe', 'inherit'],
    // In a process group of its own, the command receives Ctrl-C once, and can be ended with its children.
    detached: process.platform !== 'win32',
  })
  interruption.onSignal((signal) => {
    child.kill(signal)
  })
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => {
      resolve({ code, signal })
    })
  })
  return { child, exited }
}

async function* chunksOf(
  child: Child,
  exited: Promise<Exit>,
  command: readonly string[],
  interruption: Interruption,
): AsyncGenerator<Uint8Array> {
  const { signal } = interruption
  yield* readChunks(child.stdout, signal, 'reading the output of the command')
  const exit = await Promise.race([exited, aborted(signal)])
  if (exit.code !== 0) throw failed(command, exit, interruption)
}

/** Rejects when the signal fires. A command may close its standard output and go on. */
async function aborted(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort')
  throw abortedError(signal, 'The save')
}

function endGroup({ pid }: Child, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, signal)
  } catch (error) {
    if (nodeErrorCode(error) !== 'ESRCH') throw error // it has ended
  }
}

async function end({ child, exited }: Running): Promise<void> {
  child.stdout.destroy()
  if (child.exitCode !== null || child.signalCode !== null) return
  endGroup(child, 'SIGTERM')
  const killing = setTimeout(() => {
    endGroup(child, 'SIGKILL')
  }, patience)
  await exited
  clearTimeout(killing)
}

function failed(
  command: readonly string[],
  { code, signal }: Exit,
  { isAsked }: Interruption,
): HoldfastError {
  const how = signal === null ? `exited with ${String(code)}` : `was ended by ${signal}`
  const message = `The command ${command.join(' ')} ${how}, so nothing was saved.`
  return isAsked
    ? new HoldfastError('ABORTED', message)
    : new HoldfastError('UNAVAILABLE', message, { retryable: false })
}

function cannotStart([program = '']: readonly string[], error: unknown): HoldfastError {
  const why = nodeErrorCode(error) === 'ENOENT' ? 'there is no such program' : String(error)
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `The command ${program} could not be started: ${why}. Nothing was saved.`,
    { cause: error },
  )
}
