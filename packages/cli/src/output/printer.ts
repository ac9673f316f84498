import { styleText } from 'node:util'
import { stringifyJson } from '@holdfast/core'
import { visible, visibleJson } from './visible.ts'

/** One line of JSON: what it is, and its fields. */
export interface JsonLine {
  readonly type: string
  readonly [field: string]: unknown
}

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow'

/** A part of a line that stands out. */
export interface Styled {
  readonly style: Style
  readonly text: string
}

export function styled(style: Style, text: string): Styled {
  return { style, text }
}

/**
 * Writes results to stdout: sentences and tables for people, or lines of JSON for programs, never both. Everything that
 * a terminal would obey is escaped here, wherever it comes from.
 */
export class Printer {
  readonly json: boolean

  constructor(json: boolean) {
    this.json = json
  }

  /** A line for people. Styles show on a terminal that has colours and where NO_COLOR is not set. */
  line(...parts: readonly (string | Styled)[]): void {
    if (this.json) return
    const shown = parts.map((part) =>
      typeof part === 'string'
        ? visible(part)
        : styleText(part.style, visible(part.text), { stream: process.stdout }),
    )
    process.stdout.write(`${shown.join('')}\n`)
  }

  /** Several lines for people, such as a table. A line break in one of its values must be escaped before. */
  lines(text: string): void {
    for (const line of text.split('\n')) this.line(line)
  }

  /** A line that a program reads, such as a path: as it is, unless a terminal shows it. */
  plain(text: string): void {
    if (process.stdout.isTTY) this.line(text)
    else if (!this.json) process.stdout.write(`${text}\n`)
  }

  /** A line for programs. The last one of a command has the type `result`. */
  data(line: JsonLine): void {
    if (this.json) process.stdout.write(`${visibleJson(stringifyJson(line))}\n`)
  }

  /** Writes a remark that is not part of the result to stderr: a sentence, or one line of JSON. */
  note(message: string): void {
    const line = this.json ? visibleJson(JSON.stringify({ type: 'note', message })) : visible(message)
    process.stderr.write(`${line}\n`)
  }
}
