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
  /** Whether to print policy documents for the place. */
  readonly policies: boolean
  /** Bytes. */
  readonly partBytes: number | undefined
}

export const help = `Usage: holdfast-conformance [options] <place>

Tests whether the backend for a place keeps the guarantees that Holdfast requires, and prints a report.
First probes the place: permissions, clock and conditional writes.

  <place>              path or URL of a store: s3://bucket/prefix, gs://..., az://..., file:///...
                       All test objects are in a new folder with a random name below this place.
                       The folder is deleted at the end.

  --adapter <module>   module that exports "adapter" (default: the package for the URL scheme, such as
                       @holdfast/adapter-s3)
  --only <text>        run only the cases whose names contain this text
  --part-size <size>   size from which the backend uploads in parts, such as "8 MiB" (default: measured by one put);
                       a size below the parts of the backend is rejected
  --policies           then print documents that grant only what Holdfast needs at the place, and the
                       lifecycle rules of the bucket
  --json               print one line of JSON for each case, and the result in the last line
  -h, --help           show this help

A full run sends thousands of small requests and transfers about 1 GB. Providers may charge for both.

Exit codes: 0 the probe and all cases passed, 1 the probe or a case failed or the store cannot be used,
2 usage error or no case ran, 130 interrupted

Example:
  $ npx -p @holdfast/conformance -p @holdfast/adapter-s3 holdfast-conformance s3://my-bucket/runs --policies
`

/** Parses a command line. Throws `CONFIG` if it is invalid. */
export function readArguments(words: readonly string[]): Arguments | 'help' {
  const { values, positionals } = parsed(words)
  if (values.help === true) return 'help'
  const [location, ...more] = positionals
  if (location === undefined)
    throw configError('No place was given. Pass a path or a URL, such as s3://bucket/prefix.')
  if (more.length > 0)
    throw configError(`Several places were given. Pass only one, without ${more.join(' ')}.`)
  const { adapter, only, json = false, policies = false, 'part-size': partSize } = values
  const partBytes = partSize === undefined ? undefined : parseSize(partSize)
  if (partBytes === 0) throw configError('--part-size must be greater than 0.')
  return {
    location: parseLocation(location),
    adapter: adapter === undefined ? undefined : pathToFileURL(resolve(adapter)).href,
    only,
    json,
    policies,
    partBytes,
  }
}

function parsed(words: readonly string[]): ReturnType<typeof parse> {
  try {
    return parse(words)
  } catch (error) {
    throw configError(messageOf(error), error)
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
      policies: { type: 'boolean' },
      json: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  })
}

function configError(message: string, cause?: unknown): HoldfastError {
  return new HoldfastError('CONFIG', message, { cause })
}
