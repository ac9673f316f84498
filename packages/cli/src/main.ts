#!/usr/bin/env node
import { holdWarnings } from './signals/early-signals.ts'
import { nodeVersionFault } from './node-version.ts'

const releaseWarnings = holdWarnings()
// Other modules are loaded after this check, because an older Node.js cannot parse them.
const fault = nodeVersionFault(process.versions.node)
if (fault === undefined) {
  const { start } = await import('./start.ts')
  await start(releaseWarnings)
} else {
  const isJson = process.argv.includes('--json')
  const message = { type: 'error', code: 'CONFIG', exitCode: 2, message: fault }
  process.stderr.write(`${isJson ? JSON.stringify(message) : `holdfast: ${fault}`}\n`)
  process.exitCode = 2
}
