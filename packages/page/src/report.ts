import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import type { BuiltPage } from './built-page.ts'
import type { RunPage } from './run-page.ts'

/**
 * Returns the page of a run as one HTML file. It needs no network, and its policy forbids every request. The data are
 * compressed, so that text from the store cannot be mistaken for HTML.
 */
export function reportOf(page: RunPage, { script, style }: BuiltPage): string {
  const policy = [
    "default-src 'none'",
    `script-src '${digestOf(script)}'`,
    `style-src '${digestOf(style)}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Holdfast</title>
<style>${style}</style>
</head>
<body>
<div id="page"><main class="notice"><h1>Holdfast</h1><p>Reading the report …</p></main></div>
<noscript><main class="notice"><p>This report needs JavaScript, which this browser does not run.</p></main></noscript>
<script type="application/octet-stream" id="data">${gzipSync(JSON.stringify(page), { level: 9 }).toString('base64')}</script>
<script type="module">${script}</script>
</body>
</html>
`
}

function digestOf(content: string): string {
  return `sha256-${createHash('sha256').update(content).digest('base64')}`
}
