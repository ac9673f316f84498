import { homedir } from 'node:os'
import { HoldfastError } from '../errors.ts'

/** The values to which a path can refer, and the platform whose paths are meant. */
export interface PlaceContext {
  readonly platform: NodeJS.Platform
  readonly home: string
  readonly variables: Readonly<Record<string, string | undefined>>
}

export function thisPlaceContext(): PlaceContext {
  return { platform: process.platform, home: homedir(), variables: process.env }
}

/**
 * Replaces `~` at the beginning of a path by the home folder. A shell does not expand words such as `--to=~/resume` or
 * the contents of files, and a folder named `~` invites a fatal `rm`. Throws `CONFIG` for the home folder of another
 * user.
 */
export function expandHome(path: string, { home }: PlaceContext = thisPlaceContext()): string {
  const user = /^~([^/\\]*)/.exec(path)?.[1]
  if (user === undefined) return path
  if (user === '') return home + path.slice(1)
  throw new HoldfastError(
    'CONFIG',
    `~${user} is the home folder of another user, which is not supported. Write its path, or ./~${user} for a folder with that name.`,
  )
}

/**
 * Expands the home folder, and replaces `$NAME` or `${NAME}` by the environment variable. Throws `CONFIG` for an unset
 * variable.
 */
export function expandPlace(place: string, context: PlaceContext = thisPlaceContext()): string {
  const { variables } = context
  return expandHome(place, context).replace(
    /\$(?:(\w+)|\{(\w+)\})/g,
    (reference, plain?: string, braced?: string) => {
      const name = plain ?? braced ?? ''
      const value = Object.hasOwn(variables, name) ? variables[name] : undefined
      if (value !== undefined && value !== '') return value
      throw new HoldfastError(
        'CONFIG',
        `The location of the store refers to ${reference}, but the environment variable ${name} is not set. Set it. For a literal $, write a file:// URL with %24.`,
      )
    },
  )
}
