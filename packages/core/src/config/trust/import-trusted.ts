import * as nodeModule from 'node:module'
import { dirname } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { HoldfastError } from '../../errors.ts'
import { foreignOnTheWay, type SearchBase } from './find-module.ts'

/**
 * Imports a trusted module. Refuses modules among its imports that another user may have planted, because Node.js
 * searches for packages in every parent folder, such as /tmp.
 */
export async function importTrusted(file: string): Promise<unknown> {
  const url = pathToFileURL(file).href
  // Bun does not support these hooks.
  const hooks = 'registerHooks' in nodeModule ? refusePlantedImports(url, dirname(file)) : undefined
  try {
    return await import(/* webpackIgnore: true */ /* @vite-ignore */ url)
  } finally {
    hooks?.deregister()
  }
}

function refusePlantedImports(url: string, folder: string): ReturnType<typeof nodeModule.registerHooks> {
  const base: SearchBase = { folder, owners: [] }
  const imported = new Set([url])
  return nodeModule.registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context)
      // Does not check modules that unrelated code imports at the same time.
      if (!imported.has(context.parentURL ?? '') || !resolved.url.startsWith('file:')) return resolved
      const foreign = foreignOnTheWay(fileURLToPath(resolved.url), base)
      if (foreign !== undefined) {
        throw new HoldfastError(
          'CONFIG',
          `It imports ${specifier} from ${foreign.path}, which belongs to the user ${foreign.uid}. Install the package yourself.`,
        )
      }
      imported.add(resolved.url)
      return resolved
    },
  })
}
