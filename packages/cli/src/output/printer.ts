import { styleText } from 'node:util'
import { stringifyJson } from '@holdfast/core'

/** One line of JSON: what it is, and its fields. */
export interface JsonLine {
  readonly type: string
  readonly [field: string]: unknown
}

/** Writes results to stdout: sentences and tables for people, or lines of JSON for programs, never both. */
export class Printer {
  readonly json: boolean

  constructor(json: boolean) {
    this.json = json
  }

  /** A line for people. */
  line(text: string): void {
    if (!this.json) process.stdout.write(`${text}\n`)
  }

  /** A line for programs. The last one of a command has the type `result`. */
  data(line: JsonLine): void {
    if (this.json) process.stdout.write(`${stringifyJson(line)}\n`)
  }

  /** A line for people that is not the result: it goes to stderr. */
  note(text: string): void {
    if (!this.json) process.stderr.write(`${text}\n`)
  }
}

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow'

/** Styled on a terminal that shows colours and where NO_COLOR is not set; plain elsewhere. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout })
}
