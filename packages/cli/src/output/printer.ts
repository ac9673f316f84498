import { styleText } from 'node:util'

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
    if (this.json) process.stdout.write(`${JSON.stringify(line, jsonValue)}\n`)
  }

  /** A line for people that is not the result: it goes to stderr. */
  note(text: string): void {
    if (!this.json) process.stderr.write(`${text}\n`)
  }
}

/** JSON has no NaN and no infinities; they are written as texts. */
function jsonValue(_: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isFinite(value) ? String(value) : value
}

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow'

/** Styled on a terminal that shows colours and where NO_COLOR is not set; plain elsewhere. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout })
}
