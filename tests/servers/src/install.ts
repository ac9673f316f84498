import { installInto, isInstalled, serverFolder } from './cache.ts'
import type { ServerDefinition } from './definition.ts'
import type { ServerKind } from './kinds.ts'
import { missingTools } from './run.ts'
import { type Machine, allowsSlowInstalls } from './settings.ts'

export type Installed = { readonly folder: string } | { readonly reason: string }

/** Returns the folder of an installed server. Installs it first if that is allowed. Otherwise returns the reason. */
export async function ensureInstalled<K extends ServerKind>(
  definition: ServerDefinition<K>,
  { environment, log }: Machine,
): Promise<Installed> {
  const { kind, name, version, installation } = definition
  if (installation.from === 'dependencies') {
    const folder = installation.folder()
    return folder === undefined ? { reason: 'it is not installed; run "npx -y pnpm@12 install"' } : { folder }
  }
  const folder = serverFolder(environment, definition)
  if (isInstalled(folder)) return { folder }
  if (installation.compiles && !allowsSlowInstalls(environment)) {
    return {
      reason: `it is not installed; run "npx -y pnpm@12 test-servers install ${kind}", which compiles it for several minutes`,
    }
  }
  const missing = await missingTools(installation.tools, environment)
  if (missing.length > 0) return { reason: `its installation requires ${missing.join(' and ')}` }
  log(`Installing ${name} ${version} into ${folder}`)
  try {
    await installInto(folder, async (temporary) => installation.install(temporary, environment))
    return { folder }
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) }
  }
}
