import { HoldfastError } from '@holdfast/core'
import { countOf, type NameFacts, numberPattern, parseNumber } from '../names/name-facts.ts'

/** One part of a path as a regular expression, with the names of its groups. */
interface Segment {
  readonly expression: RegExp
  readonly names: readonly string[]
}

export interface Pattern {
  readonly segments: readonly Segment[]
  readonly isFolder: boolean
}

const placeholder = /\{([A-Za-z][\w/.-]*)\}|\*/g

/** Parses a pattern of a layout. Throws `INVALID_ARGUMENT` if it leads out of the folder or cannot match. */
export function parsePattern(text: string): Pattern {
  const isFolder = text.endsWith('/')
  const parts = (isFolder ? text.slice(0, -1) : text).split('/').filter((part) => part !== '.')
  if (text.startsWith('/') || parts.length === 0 || parts.some((part) => part === '' || part === '..')) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `The pattern ${JSON.stringify(text)} must be a path below the folder, such as step_{step}.pth or step_{step}/.`,
    )
  }
  const segments = parts.map(parseSegment)
  const names = segments.flatMap((segment) => segment.names)
  if (new Set(names).size < names.length) {
    throw new HoldfastError(
      'INVALID_ARGUMENT',
      `The pattern ${JSON.stringify(text)} names a placeholder twice.`,
    )
  }
  return { segments, isFolder }
}

/** Returns the values of the placeholders of one part; `undefined` if it does not match. */
export function matchSegment({ expression, names }: Segment, name: string): NameFacts | undefined {
  const match = expression.exec(name)
  if (match === null) return undefined
  const values = new Map(names.map((key, index) => [key, parseNumber(match[index + 1] ?? '')]))
  const step = countOf(values.get('step'))
  const epoch = countOf(values.get('epoch'))
  const metrics = Object.fromEntries([...values].filter(([key]) => key !== 'step' && key !== 'epoch'))
  return { step, epoch, metrics }
}

function parseSegment(part: string): Segment {
  const names: string[] = []
  let source = ''
  let end = 0
  for (const match of part.matchAll(placeholder)) {
    const [whole, name] = match
    source += escaped(part.slice(end, match.index))
    end = match.index + whole.length
    if (name === undefined) source += match.index === 0 ? '(?!\\.)[^/]*' : '[^/]*'
    else {
      names.push(name)
      source += name === 'step' || name === 'epoch' ? '(\\d+)' : `(${numberPattern})`
    }
  }
  return { expression: new RegExp(`^${source}${escaped(part.slice(end))}$`), names }
}

/** Node.js 22 has no `RegExp.escape`. */
function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
}
