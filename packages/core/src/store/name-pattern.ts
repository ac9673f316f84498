import { composed } from '../catalog/documents/index.ts'

/** Returns whether a name or path matches a pattern. */
export type NamePattern = (name: string) => boolean

/**
 * Compiles a glob pattern with `*`, `?`, `[a-z]`, `{a,b}` and `**`, which also match names that begin with a dot. All other
 * characters, such as parentheses, match themselves, and so does every character after a backslash. The pattern also matches
 * the name that equals it, such as `epoch=3[1].ckpt`.
 */
export async function namePattern(pattern: string): Promise<NamePattern> {
  const { default: picomatch } = await import('picomatch') // most saves and restores have no patterns
  const glob = composed(pattern)
  const matches = picomatch(withLiteralGroups(glob), { dot: true, nonegate: true, windows: false })
  return (name) => composed(name) === glob || matches(composed(name))
}

/** Escapes the characters that picomatch would read as groups, alternatives and quotes. */
function withLiteralGroups(glob: string): string {
  return glob.replace(/\\.|["()|]/gs, (found) => (found.length === 1 ? `\\${found}` : found))
}
