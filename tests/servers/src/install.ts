import { installInto, isInstalled, serverFolder } from './cache.ts'
import type { ServerDefinition } from './definition.ts'
import type { ServerKind } from './kinds.ts'
import { missingTools } from './run.ts'
import { type Machine, mayCompile } from './settings.ts'

export type Installed = { readonly folder: string } | { readonly reason: string }

/** Where a server is installed, after installing it if need be and allowed; else the reason why it is not. */
export async function ensureInstalled<K extends ServerKind>(
  definition: ServerDefinition<K>,
  { environment, tell }: Machine,
): Promise<Installed> {
  const { kind, name, version, installation } = definition
  if (installation.from === 'dependencies') {
    const folder = installation.folder()
    return folder === undefined ? { reason: 'it comes with pnpm install, which was not run' } : { folder }
  }
  const folder = serverFolder(environment, definition)
  if (isInstalled(folder)) return { folder }
  if (installation.compiles && !mayCompile(environment)) {
    return {
      reason: `it is not installed; "pnpm test-servers install ${kind}" compiles it once, for minutes`,
    }
  }
  const missing = await missingTools(installation.tools, environment)
  if (missing.length > 0) return { reason: `installing it needs ${missing.join(' and ')}` }
  tell(`Installing ${name} ${version} into ${folder}`)
  try {
    await installInto(folder, async (temporary) => installation.install(temporary, environment))
    return { folder }
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) }
  }
}
