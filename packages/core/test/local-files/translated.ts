import type { LocalFileSystem } from '../../src/local-files/file-system.ts'
import { surrounded } from './gated.ts'

/** Methods whose second parameter is a path, too. */
const withTwoPaths: ReadonlySet<string> = new Set(['link', 'rename'])

/** How a file system stores paths, and how it returns them. */
export interface Translation {
  readonly stored: (path: string) => string
  readonly returned: (path: string) => string
}

/** The real file system, which stores each path under another one. It has no mount points. */
export function translated({ stored, returned }: Translation): LocalFileSystem {
  return new Proxy(
    surrounded(async (method, _, call) => {
      const result = await call()
      return method === 'realpath' ? returned(String(result)) : result
    }),
    {
      get(target, property) {
        const method: unknown = Reflect.get(target, property, target)
        if (typeof method !== 'function') return method
        return (first: string, second: unknown, ...others: readonly unknown[]): unknown =>
          first === '/proc/self/mountinfo'
            ? Promise.resolve('')
            : Reflect.apply(method, target, [
                stored(first),
                withTwoPaths.has(String(property)) ? stored(String(second)) : second,
                ...others,
              ])
      },
    },
  )
}
