import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { onTestFinished } from 'vitest'

type Method = 'lstat' | 'opendir' | 'readlink' | 'realpath' | 'stat'

/** Lets `around` make or fail each call of a function of `node:fs/promises`, until the test ends. */
export function surround(
  method: Method,
  around: (path: string, call: () => Promise<unknown>) => Promise<unknown>,
): void {
  const original = promises[method]
  const replacement = new Proxy(original, {
    apply: (target, self, given: readonly unknown[]): unknown =>
      around(String(given[0]), async () => (await Reflect.apply(target, self, given)) as unknown),
  })
  replace(method, replacement)
  onTestFinished(() => {
    replace(method, original)
  })
}

function replace<Name extends Method>(method: Name, replacement: (typeof promises)[Name]): void {
  promises[method] = replacement
  syncBuiltinESMExports()
}
