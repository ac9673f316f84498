/**
 * Writes the key in `CREDENTIALS` to a file that only this user can read, and names it to the later steps of a job of GitHub
 * Actions, as the libraries of Google Cloud expect.
 */
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const { CREDENTIALS: credentials, RUNNER_TEMP: folder, GITHUB_ENV: variables } = process.env
if (credentials === undefined || folder === undefined || variables === undefined)
  throw new Error('CREDENTIALS, RUNNER_TEMP and GITHUB_ENV must be set.')
const file = join(folder, 'google.json')
writeFileSync(file, credentials, { mode: 0o600 })
appendFileSync(variables, `GOOGLE_APPLICATION_CREDENTIALS=${file}\n`)
