import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { onTestFinished } from 'vitest'

/** Lets a listing of a folder fail with the error that `errorOf` names, as a network file system does. */
export function breakFolder(folder: string, errorOf: () => string | undefined): void {
  replaceUntilTheEnd('readdir', ([path]) => (path === folder ? errorOf() : undefined))
}

/** Lets a rename to a path fail with the error that `errorOf` names. */
export function breakRenames(to: string, errorOf: () => string | undefined): void {
  replaceUntilTheEnd('rename', ([, path]) => (path === to ? errorOf() : undefined))
}

function replaceUntilTheEnd(
  name: 'readdir' | 'rename',
  errorOf: (given: readonly unknown[]) => string | undefined,
): void {
  const original = promises[name]
  const replacement = new Proxy(original, {
    apply: (target, self, given: readonly unknown[]): unknown => {
      const code = errorOf(given)
      if (code === undefined) return Reflect.apply(target, self, given)
      return Promise.reject(Object.assign(new Error(`${code}: ${name}`), { code }))
    },
  })
  replace(name, replacement)
  onTestFinished(() => {
    replace(name, original)
  })
}

function replace(name: 'readdir' | 'rename', replacement: unknown): void {
  Object.assign(promises, { [name]: replacement })
  syncBuiltinESMExports()
}
