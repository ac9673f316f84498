/**
 * Watches standard output and standard error. A reader that has seen enough, such as head(1), is no failure. Any other
 * error is reported once, and counts as a failure of a command that has succeeded otherwise.
 */
export class StandardOutput {
  #hasFailed = false

  watch(): void {
    process.stdout.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE' || this.#hasFailed) return
      this.#hasFailed = true
      process.stderr.write(
        `holdfast: The result could not be written to standard output: ${error.message}.\n`,
      )
      if (process.exitCode === 0) process.exitCode = 1
    })
    // Nothing is left to report it to.
    process.stderr.on('error', () => undefined)
  }

  /** Ends the process with this code once everything is written; with 1 if the result could not be. */
  end(code: number): void {
    process.exitCode = code === 0 && this.#hasFailed ? 1 : code
  }
}
