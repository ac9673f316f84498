import { dirname } from 'node:path'
import { explainConfig } from '@holdfast/core'
import { parseLocation } from '@holdfast/core/backend'
import type { GlobalOptions } from '../declare/global-options.ts'
import { configurationOf } from '../with-store.ts'

/**
 * Returns the location of the store that a command opens, as a URL with all its parameters. Another command opens the same store
 * with it. The parameters may be secrets, so it is not for messages.
 */
export async function storeLocation(options: GlobalOptions): Promise<string> {
  const { store, file } = await explainConfig(options.store, configurationOf(options))
  const { HOLDFAST_STORE: ofEnvironment = '' } = process.env
  const url =
    store?.from === 'file' && file !== undefined
      ? parseLocation(file.config.store ?? '', dirname(file.path))
      : parseLocation(options.store ?? ofEnvironment)
  return url.href.replaceAll('$', '%24') // a $ would refer to an environment variable
}
