import promises from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { onTestFinished } from 'vitest'

const { readdir } = promises

/** Lets a listing of a folder fail with the error that `errorOf` names, as a network file system does. */
export function breakFolder(folder: string, errorOf: () => string | undefined): void {
  replaceReaddir(
    new Proxy(readdir, {
      apply: (target, self, given: readonly unknown[]): unknown => {
        const code = given[0] === folder ? errorOf() : undefined
        if (code === undefined) return Reflect.apply(target, self, given)
        return Promise.reject(Object.assign(new Error(`${code}: scandir`), { code }))
      },
    }),
  )
  onTestFinished(() => {
    replaceReaddir(readdir)
  })
}

function replaceReaddir(replacement: typeof readdir): void {
  promises.readdir = replacement
  syncBuiltinESMExports()
}
