import { spawn } from 'node:child_process'
import { type SaveResult, stringifyJson } from '@holdfast/core'
import { option, text } from '../declare/declaration.ts'
import type { Printer } from '../output/printer.ts'

export const onSavedOption = option(
  '<command>',
  'run this line of shell after each saved checkpoint, with the checkpoint as JSON on its standard input',
  text,
)

/**
 * Runs a line of shell after each save, one after the other. Its output goes to standard error, because standard output has
 * that of Holdfast. If it fails, Holdfast prints a note, and the checkpoint stays saved.
 */
export class SavedHook implements AsyncDisposable {
  readonly #command: string | undefined
  readonly #printer: Printer
  readonly #url: string
  readonly #signal: AbortSignal
  #last: Promise<void> = Promise.resolve()

  constructor(
    command: string | undefined,
    {
      printer,
      url,
      signal,
    }: { readonly printer: Printer; readonly url: string; readonly signal: AbortSignal },
  ) {
    this.#command = command
    this.#printer = printer
    this.#url = url
    this.#signal = signal
  }

  /** Starts the command for a checkpoint once it has ended for the one before. */
  saved(saved: SaveResult): void {
    const command = this.#command
    if (command === undefined || saved.alreadySaved) return
    this.#last = this.#last.then(async () => {
      const failure = await this.#run(command, saved)
      if (failure !== undefined)
        this.#printer.note(
          `step ${saved.step} is saved, but the command of --on-saved ${failure}: ${command}`,
        )
    })
  }

  /** Waits until the command has ended for every checkpoint. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#last
  }

  /** Resolves with how the command failed, as the end of a sentence; `undefined` if it succeeded. */
  async #run(command: string, saved: SaveResult): Promise<string | undefined> {
    if (this.#signal.aborted) return 'was not run, because Holdfast was stopped'
    const env = { ...process.env, HOLDFAST_STORE: this.#url, HOLDFAST_STEP: String(saved.step) }
    return new Promise((resolve) => {
      const child = spawn(command, { shell: true, env, stdio: ['pipe', 2, 2], signal: this.#signal })
      child.on('error', (error) => {
        resolve(`could not be run (${error.message})`)
      })
      child.on('close', (code, signal) => {
        if (code === 0) resolve(undefined)
        else resolve(code === null ? `ended with ${signal ?? 'a signal'}` : `exited with ${code}`)
      })
      child.stdin?.on('error', () => undefined) // it need not read its input
      child.stdin?.end(`${stringifyJson({ type: 'saved', ...saved })}\n`)
    })
  }
}
