/**
 * Handles errors of standard output and standard error. A reader that stops reading, such as head(1), is no error. Any
 * other error is reported once, and a command that succeeded otherwise then exits with 1.
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
    // An error of stderr cannot be reported anywhere.
    process.stderr.on('error', () => undefined)
  }

  /** Sets the exit code. It is 1 if the command succeeded but its result could not be written. */
  end(code: number): void {
    process.exitCode = code === 0 && this.#hasFailed ? 1 : code
  }
}
