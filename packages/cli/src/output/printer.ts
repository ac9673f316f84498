import { styleText } from 'node:util'
import { isHoldfastError, stringifyJson } from '@holdfast/core'
import { visible, visibleJson } from './visible.ts'

/** One line of JSON with its type and its fields. */
export interface JsonLine {
  readonly type: string
  readonly [field: string]: unknown
}

type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow'

/** A styled part of a line. */
export interface Styled {
  readonly style: Style
  readonly text: string
}

export function styled(style: Style, text: string): Styled {
  return { style, text }
}

/**
 * Writes results to stdout: either sentences and tables for people, or lines of JSON for programs. Escapes all
 * characters that a terminal interprets.
 */
export class Printer {
  readonly json: boolean
  readonly #warnings: string[] = []

  constructor(json: boolean) {
    this.json = json
  }

  /** Writes a line for people. Styles appear only on a terminal with colours, and not if NO_COLOR is set. */
  line(...parts: readonly (string | Styled)[]): void {
    if (this.json) return
    const shown = parts.map((part) =>
      typeof part === 'string'
        ? visible(part)
        : styleText(part.style, visible(part.text), { stream: process.stdout }),
    )
    process.stdout.write(`${shown.join('')}\n`)
  }

  /** Writes several lines for people, such as a table. Line breaks in values must be escaped already. */
  lines(text: string): void {
    for (const line of text.split('\n')) this.line(line)
  }

  /** Writes a line for other programs, such as a path. It is escaped only on a terminal. */
  plain(text: string): void {
    if (process.stdout.isTTY) this.line(text)
    else if (!this.json) process.stdout.write(`${text}\n`)
  }

  /**
   * Writes a line of JSON. The last line of a command has the type `result`, which also gets the warnings so far. Errors in a line
   * are written with `code` and `message`.
   */
  data(line: JsonLine): void {
    if (this.json) process.stdout.write(this.#jsonOf(line))
  }

  /** Writes a line of JSON to stderr, for a command whose standard output has bytes of a file. */
  dataBeside(line: JsonLine): void {
    if (this.json) process.stderr.write(this.#jsonOf(line))
  }

  /** Writes a remark that is not part of the result to stderr: a sentence, or one line of JSON. */
  note(message: string): void {
    const line = this.json ? visibleJson(JSON.stringify({ type: 'note', message })) : visible(message)
    process.stderr.write(`${line}\n`)
  }

  /** Writes a remark that a program must not miss: to stderr, and into `warnings` of the result. */
  warn(message: string): void {
    this.#warnings.push(message)
    this.note(message)
  }

  #jsonOf(line: JsonLine): string {
    const { type, warnings: own } = line
    const warnings = [...(Array.isArray(own) ? (own as readonly unknown[]) : []), ...this.#warnings]
    const isComplete = type !== 'result' || this.#warnings.length === 0
    return `${visibleJson(stringifyJson(isComplete ? line : { ...line, warnings }, withoutErrors))}\n`
  }
}

/** JSON would write an error without its message. */
function withoutErrors(value: unknown): unknown {
  if (!(value instanceof Error)) return value
  return { code: isHoldfastError(value) ? value.code : 'UNEXPECTED', message: value.message }
}
