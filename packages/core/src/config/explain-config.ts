import { dirname } from 'node:path'
import type { IgnoredConfig } from './config-file.ts'
import { parseLocation } from './location.ts'
import { type ConfigChoice, configuredPlace } from './open-store.ts'
import type { HoldfastConfig } from './schema.ts'

/** The configuration that `openStore` would use. */
export interface ExplainedConfig {
  /** The file that is used, if any, and its values. */
  readonly file: { readonly path: string; readonly config: HoldfastConfig } | undefined
  /** A file that was found and is not used, with the reason. */
  readonly ignored: IgnoredConfig | undefined
  /** The store, and which of these named it; `undefined` if none did. */
  readonly store:
    | {
        /** The URL without credentials and parameters. */
        readonly url: string
        readonly from: 'argument' | 'environment' | 'file'
      }
    | undefined
}

/**
 * Returns which configuration `openStore` would use for a location, without opening anything. Rejects with `CONFIG` as
 * `openStore` does, except if no store is named.
 */
export async function explainConfig(
  location: string | undefined,
  { config }: Pick<ConfigChoice, 'config'> = {},
): Promise<ExplainedConfig> {
  const ignored: IgnoredConfig[] = []
  const { named, found } = await configuredPlace(location, {
    config,
    onIgnoredConfig: (file) => ignored.push(file),
  })
  const configured = found?.config.store
  const file = found === undefined ? undefined : { path: found.file, config: found.config }
  const stated = { file, ignored: ignored[0] }
  if (named !== undefined) {
    const from = location === undefined ? 'environment' : 'argument'
    return { ...stated, store: { url: shown(parseLocation(named)), from } }
  }
  if (found === undefined || configured === undefined) return { ...stated, store: undefined }
  return { ...stated, store: { url: shown(parseLocation(configured, dirname(found.file))), from: 'file' } }
}

/** A URL may contain credentials before its host, and in its parameters. */
function shown(url: URL): string {
  const place = new URL(url)
  place.username = ''
  place.password = ''
  place.search = ''
  return place.href
}
