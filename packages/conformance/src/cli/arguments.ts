import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { HoldfastError, messageOf, parseLocation, parseSize } from '@holdfast/core/backend'

export interface Arguments {
  readonly location: URL
  /** The URL of a module. */
  readonly adapter: string | undefined
  readonly only: string | undefined
  readonly json: boolean
  /** Bytes. */
  readonly partBytes: number | undefined
}

export const help = `Usage: holdfast-conformance [options] <place>

Holds the backend of a place to every sentence of the port of Holdfast, and prints a report.

  <place>              a path or URL, as a store has it: s3://bucket/prefix, gs://..., az://..., file:///...
                       Only a new folder with a random name below it is touched, and removed afterwards.

  --adapter <module>   a module that exports "adapter"; else the package for the scheme, such as @holdfast/adapter-s3
  --only <text>        only the cases whose name holds this text
  --part-size <size>   where the backend begins to work in parts, such as "8 MiB"; else found out by one put
  --json               lines of JSON for programs, the result last
  -h, --help           this

A whole run makes thousands of small requests and moves about a gigabyte, which a store may charge for.

Exit codes: 0 all of it holds, 1 something does not, or could not be asked, 2 usage, 130 interrupted

Example:
  $ npx @holdfast/conformance "s3://my-bucket/try?endpoint=https://minio.example.com"
`

/** What a command line asks for. Rejects with `CONFIG` for one that is wrong. */
export function readArguments(words: readonly string[]): Arguments | 'help' {
  const { values, positionals } = parsed(words)
  if (values.help === true) return 'help'
  const [location, ...more] = positionals
  if (location === undefined) throw wrong('Which place? Give a path or URL.')
  if (more.length > 0) throw wrong(`One place at a time, not also ${more.join(' ')}.`)
  const { adapter, only, json = false, 'part-size': partSize } = values
  const partBytes = partSize === undefined ? undefined : parseSize(partSize)
  if (partBytes === 0) throw wrong('A part has at least one byte.')
  return {
    location: parseLocation(location),
    adapter: adapter === undefined ? undefined : pathToFileURL(resolve(adapter)).href,
    only,
    json,
    partBytes,
  }
}

function parsed(words: readonly string[]): ReturnType<typeof parse> {
  try {
    return parse(words)
  } catch (error) {
    throw wrong(messageOf(error), error)
  }
}

function parse(words: readonly string[]) {
  return parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      adapter: { type: 'string' },
      only: { type: 'string' },
      'part-size': { type: 'string' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
}

function wrong(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError('CONFIG', message, { cause })
}
