import { tmpdir } from 'node:os'
import { removeFolder, temporaryFolder } from './temporary-folder.ts'

/** What `os.tmpdir()` reads: the first on Windows, the last elsewhere. */
const variables = ['TEMP', 'TMP', 'TMPDIR']

/**
 * The global set-up of every run of tests: gives the run a temporary folder of its own and removes it at the end.
 * The tests, and all processes that they start, make their temporary folders inside it. So nothing remains of a test
 * that fails or of a process that is killed. The next run removes the folder of a run that was killed itself.
 */
export default async function useRunFolder(): Promise<() => Promise<void>> {
  const before = variables.map((name) => [name, process.env[name]] as const)
  const folder = await temporaryFolder(tmpdir(), 'holdfast-tests-')
  for (const name of variables) process.env[name] = folder
  return async () => {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name)
      else process.env[name] = value
    }
    await removeFolder(folder)
  }
}
