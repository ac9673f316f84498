import { composed } from '../catalog/documents/index.ts'

/** Returns whether a name or path matches a pattern. */
export type NamePattern = (name: string) => boolean

/**
 * Compiles a glob pattern with `*`, `?`, `[a-z]`, `[!a-z]`, `{a,b}` and `**`, which also match names that begin with a dot. All other
 * characters, such as parentheses, match themselves, and so does every character after a backslash. The pattern also matches
 * the name that equals it, such as `epoch=3[1].ckpt`.
 */
export async function namePattern(pattern: string): Promise<NamePattern> {
  const { default: picomatch } = await import('picomatch') // most saves and restores have no patterns
  const glob = composed(pattern)
  const matches = picomatch(asInShells(glob), { dot: true, nonegate: true, windows: false })
  return (name) => composed(name) === glob || matches(composed(name))
}

/** Rewrites what picomatch reads differently from a shell. */
function asInShells(glob: string): string {
  return withLiteralBraces(withLiteralGroups(glob)).replace(/\\.|\[!(?=.*\])/gs, (found) =>
    found === '[!' ? '[^' : found,
  )
}

/** Escapes the characters that picomatch would read as groups, alternatives, quantifiers and quotes. */
function withLiteralGroups(glob: string): string {
  return glob.replace(/\\.|["()|+]/gs, (found) => (found.length === 1 ? `\\${found}` : found))
}

/** Escapes each opening brace without a closing one, with which picomatch would match nothing. */
function withLiteralBraces(glob: string): string {
  const open: number[] = []
  for (const { 0: found, index } of glob.matchAll(/\\.|[{}]/gs)) {
    if (found === '{') open.push(index)
    if (found === '}') open.pop()
  }
  return open.reduceRight((escaped, at) => `${escaped.slice(0, at)}\\${escaped.slice(at)}`, glob)
}
