import type { OtherProcess } from './other-process.ts'

/** Several processes, which end together. */
export class OtherProcesses implements AsyncDisposable {
  readonly #all: OtherProcess[] = []

  add(process: OtherProcess): OtherProcess {
    this.#all.push(process)
    return process
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((process) => process[Symbol.asyncDispose]()))
  }
}
