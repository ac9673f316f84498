import { gzipSync } from 'node:zlib'
import type { BuiltPage } from './built-page.ts'
import { htmlOf, policyOf } from './html.ts'
import type { RunPage } from './run-page.ts'

/**
 * Returns the page of a run as one HTML file. It needs no network, and its policy forbids every request. The data are
 * compressed, so that text from the store cannot be mistaken for HTML.
 */
export function reportOf(page: RunPage, built: BuiltPage): string {
  const data = gzipSync(JSON.stringify(page), { level: 9 }).toString('base64')
  return htmlOf(built, policyOf(built, { connectsToSelf: false }), { data })
}
