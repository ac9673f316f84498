import { constants } from 'node:os'
import { formatSize } from '@holdfast/core'
import type { Ending, RunEvent, RunReport } from '@holdfast/watch'
import { explain, printAdoption } from './adoption.ts'
import { withHint } from './hints.ts'
import type { Printer } from './printer.ts'
import { notePassedOver } from './restored.ts'
import { count, formatDuration, joined } from './text.ts'

export interface RunFacts {
  readonly folder: string
  readonly command: readonly string[]
  readonly url: string
}

/** Prints what a run does. */
export class RunPrinter {
  readonly #printer: Printer
  readonly #facts: RunFacts
  readonly #program: string
  /** How the program ended. It is printed with what follows from it, if that is known at once. */
  #held: string | undefined
  #hasStarted = false

  constructor(printer: Printer, facts: RunFacts) {
    this.#printer = printer
    this.#facts = facts
    this.#program = shortened(facts.command)
  }

  print(event: RunEvent): void {
    const { folder, url } = this.#facts
    switch (event.type) {
      case 'waitingForMirror':
        this.#note(event, `waiting for the mirror ${event.url}`)
        return
      case 'nothingToRestore':
        this.#line(event, `nothing to restore: the store has no checkpoint · ${url}`)
        return
      case 'inPlace':
        this.#data(event)
        if (!this.#hasStarted) this.#line(undefined, `${folder} has step ${event.step}, ${placeOf(event)}`)
        return
      case 'restored':
        this.#printRestored(event)
        return
      case 'setAside':
        this.#note(event, `${event.name} is set aside: ${event.because}. It is kept as ${event.to}.`)
        return
      case 'started':
        this.#hasStarted = true
        this.#data(event)
        return
      case 'notRecorded': {
        const { type, pid, error } = event
        this.#printer.note(
          `process ${pid} runs, but is not on record in ${folder}: ${withHint(error)} If holdfast is killed before it can record it, end process ${pid} before the next run.`,
        )
        this.#printer.data({ type, pid, code: error.code, message: withHint(error) })
        return
      }
      case 'forwarded':
        this.#note(event, `passed ${event.signal} on to ${this.#program}`)
        return
      case 'notForwarded':
        this.#note(
          event,
          `${event.signal} cannot be passed on to ${this.#program}, which runs as another user`,
        )
        return
      case 'killed':
        this.#note(event, `${this.#program} did not end, and is killed`)
        return
      case 'ended':
        this.#flush()
        this.#data(event)
        this.#held = `${this.#program} ${sentenceOf(event.ending)} after ${formatDuration(event.lasted)}`
        return
      case 'restarting': {
        const { restart, restarts, step } = event
        const from = step === undefined ? 'from the beginning' : `from step ${step}`
        const held = this.#held
        this.#held = undefined
        this.#line(event, joined(held, `restarting (${restart} of ${restarts}) ${from}`))
        return
      }
      case 'gaveUp': {
        const held = this.#held
        this.#held = undefined
        this.#line(event, joined(held, `gave up after ${count(event.restarts, 'restart')}`))
        return
      }
      case 'endingLeftover':
        this.#note(
          event,
          `the program of an earlier run (process ${event.pid}) still runs here and is ended first`,
        )
        return
      case 'waitingForLeftover':
        this.#note(event, `process ${event.pid} cannot be ended, so the run waits for its end`)
        return
      case 'notReady': {
        const { error, retryIn } = event
        this.#flush()
        this.#printer.note(`${withHint(error)} Next try in ${formatDuration(retryIn)}.`)
        this.#printer.data({ type: event.type, code: error.code, message: withHint(error), retryIn })
        return
      }
      case 'known':
        this.#data(event)
        return
      case 'layout':
      case 'adopted':
      case 'incomplete':
      case 'changed':
      case 'passedOver':
      case 'failed':
      case 'omitted':
      case 'noMetrics':
      case 'consumed':
      case 'notConsumed':
      case 'forgetful':
        this.#flush()
        printAdoption(this.#printer, `watching ${folder}`, event)
    }
  }

  printReport(report: RunReport, exitCode: number): void {
    const { ending, restarts, unsaved, folderError, isCutShort } = report
    const printer = this.#printer
    this.#flush()
    for (const { name, error } of unsaved) printer.note(`${name} is not saved: ${explain(error)}`)
    if (folderError !== undefined)
      printer.note(`What was written last may not be saved: ${explain(folderError)}`)
    if (isCutShort) printer.note('The run was ended at once. A checkpoint that was being saved is not saved.')
    const failed = unsaved.map(({ name, error }) => ({ name, code: error.code, message: explain(error) }))
    printer.data({
      type: 'result',
      command: 'run',
      exitCode,
      ending,
      restarts,
      unsaved: failed,
      ...(folderError === undefined
        ? {}
        : { folderError: { code: folderError.code, message: explain(folderError) } }),
      isCutShort,
    })
  }

  #printRestored(event: Extract<RunEvent, { readonly type: 'restored' }>): void {
    const { restored, duration } = event
    this.#flush()
    notePassedOver(this.#printer, restored)
    const bytes = restored.restored.reduce((sum, { size }) => sum + size, 0)
    this.#printer.line(
      joined(
        `restored step ${restored.step} into ${this.#facts.folder}`,
        `${formatSize(bytes)} in ${formatDuration(duration)}, verified`,
      ),
    )
    this.#printer.data({ ...restored, type: 'restored', duration })
  }

  #line(event: RunEvent | undefined, sentence: string): void {
    this.#flush()
    this.#printer.line(sentence)
    if (event !== undefined) this.#data(event)
  }

  #note(event: RunEvent, sentence: string): void {
    this.#flush()
    if (this.#printer.json) this.#data(event)
    else this.#printer.note(sentence)
  }

  #data(event: RunEvent): void {
    this.#printer.data({ ...event })
  }

  #flush(): void {
    if (this.#held !== undefined) this.#printer.line(this.#held)
    this.#held = undefined
  }
}

function placeOf({ isSaved }: Extract<RunEvent, { readonly type: 'inPlace' }>): string {
  return isSaved ? 'the latest' : 'which is not saved yet'
}

function sentenceOf(ending: Ending): string {
  if (ending.kind === 'signalled')
    return `ended with signal ${constants.signals[ending.signal]} (${ending.signal})`
  return ending.code === 0 ? 'finished' : `ended with exit code ${ending.code}`
}

/** Maximum number of words that name a program. */
const shownWords = 3

/** Returns the first words of a command, up to its first option. */
function shortened(command: readonly string[]): string {
  const end = command.findIndex((word, index) => index > 0 && word.startsWith('-'))
  return command.slice(0, Math.min(end === -1 ? command.length : end, shownWords)).join(' ')
}
