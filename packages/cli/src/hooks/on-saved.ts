import { spawn } from 'node:child_process'
import { type SaveResult, stringifyJson } from '@holdfast/core'
import { messageOf } from '@holdfast/core/backend'
import { option, text } from '../declare/declaration.ts'
import type { GlobalOptions } from '../declare/global-options.ts'
import type { Printer } from '../output/printer.ts'
import { storeLocation } from './store-location.ts'

export const onSavedOption = option(
  '<command>',
  'run this line of shell after each saved checkpoint, with the checkpoint as JSON on its standard input',
  text,
)

/** A line of shell, and the location of the store for it. */
interface Hook {
  readonly command: string
  readonly location: string
}

/**
 * Runs a line of shell after each save, one after the other. Its output goes to standard error, because standard output has
 * that of Holdfast. If it fails, Holdfast prints a note, and the checkpoint stays saved.
 */
export class SavedHook implements AsyncDisposable {
  readonly #hook: Hook | undefined
  readonly #printer: Printer
  readonly #stop = new AbortController()
  #last: Promise<void> = Promise.resolve()

  constructor(hook: Hook | undefined, printer: Printer) {
    this.#hook = hook
    this.#printer = printer
  }

  /** Ends the running command once the signal fires. From then on it is not run for any checkpoint. */
  stopOn(signal: AbortSignal): void {
    const stop = (): void => {
      this.#stop.abort()
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
  }

  /** Starts the command for a checkpoint once it has ended for the one before. */
  saved(saved: SaveResult): void {
    const hook = this.#hook
    if (hook === undefined || saved.alreadySaved) return
    this.#last = this.#last.then(async () => {
      const failure = await this.#run(hook, saved)
      if (failure !== undefined)
        this.#printer.note(
          `step ${saved.step} is saved, but the command of --on-saved ${failure}: ${hook.command}`,
        )
    })
  }

  /** Waits until the command has ended for every checkpoint. */
  async finish(): Promise<void> {
    await this.#last
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.finish()
  }

  /** Resolves with how the command failed, as the end of a sentence; `undefined` if it succeeded. */
  async #run({ command, location }: Hook, saved: SaveResult): Promise<string | undefined> {
    const { signal } = this.#stop
    if (signal.aborted) return 'was not run, because Holdfast was stopped'
    const env = { ...process.env, HOLDFAST_STORE: location, HOLDFAST_STEP: String(saved.step) }
    try {
      return await new Promise((resolve, reject) => {
        // Node.js throws some errors, and emits the others.
        const child = spawn(command, { shell: true, env, stdio: ['pipe', 2, 2], signal })
        child.on('error', reject)
        child.on('close', (code, endedBy) => {
          if (code === 0) resolve(undefined)
          else resolve(code === null ? `ended with ${endedBy ?? 'a signal'}` : `exited with ${code}`)
        })
        child.stdin?.on('error', () => undefined) // it need not read its input
        child.stdin?.end(`${stringifyJson({ type: 'saved', ...saved })}\n`)
      })
    } catch (error) {
      if (this.#stop.signal.aborted) return 'was ended, because Holdfast was stopped'
      return `could not be run (${messageOf(error)})`
    }
  }
}

/**
 * Returns the hook of a command. The line of shell gets the location of the store in `HOLDFAST_STORE`, so that commands in it
 * open the same store.
 */
export async function savedHook(
  options: GlobalOptions & { readonly onSaved?: string | undefined },
  { printer, signal }: { readonly printer: Printer; readonly signal?: AbortSignal },
): Promise<SavedHook> {
  const { onSaved } = options
  const hook =
    onSaved === undefined ? undefined : { command: onSaved, location: await storeLocation(options) }
  const saved = new SavedHook(hook, printer)
  if (signal !== undefined) saved.stopOn(signal)
  return saved
}
