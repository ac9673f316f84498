/**
 * Writes the key in `CREDENTIALS` to a file that only this user can read, and names it to the later steps of a job of GitHub
 * Actions, as the libraries of Google Cloud expect.
 */
import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const { CREDENTIALS: credentials, RUNNER_TEMP: folder, GITHUB_ENV: variables } = process.env
// A secret that does not exist is an empty string.
if (credentials === undefined || credentials === '' || folder === undefined || variables === undefined)
  throw new Error(
    'CREDENTIALS, RUNNER_TEMP and GITHUB_ENV must be set. Add the key as a secret of the repository.',
  )
const file = join(folder, 'google.json')
writeFileSync(file, credentials, { mode: 0o600 })
appendFileSync(variables, `GOOGLE_APPLICATION_CREDENTIALS=${file}\n`)
