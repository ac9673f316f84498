/** What choosing and installing a server depends on. */
export interface Machine {
  readonly environment: NodeJS.ProcessEnv
  /** Whether an emulator replaces a server that has one, unless the environment names the server. */
  readonly prefersEmulators: boolean
  /** Hears what takes long. */
  readonly tell: (line: string) => void
}

export const thisMachine: Machine = {
  environment: process.env,
  prefersEmulators: false,
  tell: (line) => {
    process.stderr.write(`${line}\n`)
  },
}

/** In CI a real server that is missing is an error: a run that silently proves less would look the same. */
export function inCi(environment: NodeJS.ProcessEnv): boolean {
  return isOn(environment['CI'])
}

/** Whether a run of tests may compile a server for minutes. */
export function mayCompile(environment: NodeJS.ProcessEnv): boolean {
  return inCi(environment) || isOn(environment['HOLDFAST_TEST_INSTALL'])
}

function isOn(value = ''): boolean {
  return !['', '0', 'false', 'no'].includes(value.toLowerCase())
}
