import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeFolder, temporaryFolder } from './temporary-folder.ts'

/** What `os.tmpdir()` reads: the first on Windows, the last elsewhere. */
const temporary = ['TEMP', 'TMP', 'TMPDIR']
/** Where Node.js keeps compiled code. The tests start hundreds of processes, most of which load the same modules. */
const compileCache = 'NODE_COMPILE_CACHE'

/**
 * The global set-up of every run of tests: gives the run a temporary folder of its own and removes it at the end.
 * The tests, and all processes that they start, make their temporary folders inside it. So nothing remains of a test
 * that fails or of a process that is killed. The next run removes the folder of a run that was killed itself.
 */
export default async function useRunFolder(): Promise<() => Promise<void>> {
  const before = [...temporary, compileCache].map((name) => [name, process.env[name]] as const)
  const folder = await temporaryFolder(tmpdir(), 'holdfast-tests-')
  for (const name of temporary) process.env[name] = folder
  process.env[compileCache] = join(folder, 'compiled')
  return async () => {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name)
      else process.env[name] = value
    }
    await removeFolder(folder)
  }
}
