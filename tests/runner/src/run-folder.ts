import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { removeFolder, temporaryFolder } from '../../servers/src/temporary-folder.ts'

/** The environment variables that `os.tmpdir()` reads: `TEMP` and `TMP` on Windows, `TMPDIR` elsewhere. */
const temporary = ['TEMP', 'TMP', 'TMPDIR']
/** The variable for the folder of compiled code. The hundreds of processes that tests start share that folder. */
const compileCache = 'NODE_COMPILE_CACHE'
/** The variable for the folder of state that outlives a process, such as unfinished uploads. */
const userState = 'XDG_STATE_HOME'

/**
 * Creates a temporary folder for a run of tests, and returns a function that removes it at the end. Tests and their
 * child processes create their temporary folders inside it, so failed tests and killed processes leave nothing behind.
 * The next run removes the folder of a run that was killed.
 */
export default async function useRunFolder(): Promise<() => Promise<void>> {
  const before = [...temporary, compileCache, userState].map((name) => [name, process.env[name]] as const)
  const folder = await temporaryFolder(tmpdir(), 'holdfast-tests-')
  for (const name of temporary) process.env[name] = folder
  process.env[compileCache] = join(folder, 'compiled')
  process.env[userState] = join(folder, 'state')
  return async () => {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name)
      else process.env[name] = value
    }
    await removeFolder(folder)
  }
}
