import { createHash } from 'node:crypto'
import type { BuiltPage } from './built-page.ts'

/** The sources that the policy of a page allows beside its own script and style. */
export interface PolicyOptions {
  /** Allows requests to the server of the page. */
  readonly connectsToSelf: boolean
}

/** The content security policy of the page: its own script and style by their digests, and nothing else. */
export function policyOf({ script, style }: BuiltPage, { connectsToSelf }: PolicyOptions): string {
  return [
    "default-src 'none'",
    `script-src '${digestOf(script)}'`,
    `style-src '${digestOf(style)}'`,
    ...(connectsToSelf ? ["connect-src 'self'"] : []),
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}

/** Where a page gets its data: from itself, in base64, or from its server. */
export type PageContent =
  | { readonly data: string }
  | { readonly shows: 'run' | 'runs'; readonly write: boolean }

/** The HTML of the page. */
export function htmlOf(built: BuiltPage, policy: string, content: PageContent): string {
  const embedded =
    'data' in content ? `<script type="application/octet-stream" id="data">${content.data}</script>\n` : ''
  const served =
    'data' in content ? '' : ` data-shows="${content.shows}"${content.write ? ' data-write' : ''}`
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Holdfast</title>
<style>${built.style}</style>
</head>
<body>
<div id="page"${served}><main class="notice"><h1>Holdfast</h1><p>Reading the run …</p></main></div>
<noscript><main class="notice"><p>This page needs JavaScript, which this browser does not run.</p></main></noscript>
${embedded}<script type="module">${built.script}</script>
</body>
</html>
`
}

function digestOf(content: string): string {
  return `sha256-${createHash('sha256').update(content).digest('base64')}`
}
