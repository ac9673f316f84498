/** The facts that decide which server is used and whether it is installed. */
export interface Machine {
  readonly environment: NodeJS.ProcessEnv
  /** Whether an emulator replaces a server that has one, unless the environment names the server. */
  readonly prefersEmulators: boolean
  /** Called with a message before an operation that takes long. */
  readonly log: (line: string) => void
}

export const thisMachine: Machine = {
  environment: process.env,
  prefersEmulators: false,
  log: (line) => {
    process.stderr.write(`${line}\n`)
  },
}

/** Whether this is a run in CI. There, a missing server is an error, because fewer tests would run unnoticed. */
export function inCi(environment: NodeJS.ProcessEnv): boolean {
  return isOn(environment['CI'])
}

/** Whether a run of tests may install what takes minutes to compile or hundreds of megabytes to download. */
export function allowsSlowInstalls(environment: NodeJS.ProcessEnv): boolean {
  return inCi(environment) || isOn(environment['HOLDFAST_TEST_INSTALL'])
}

function isOn(value = ''): boolean {
  return !['', '0', 'false', 'no'].includes(value.toLowerCase())
}
