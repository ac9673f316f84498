/**
 * SIGHUP, SIGUSR1 and SIGUSR2 announce the end of a Slurm job or of a terminal. Their usual effects, to end the process or to
 * open a port for a debugger, must not come before the command decides what they mean.
 */
const warnings = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const

type Warning = (typeof warnings)[number]

/** Stops holding warning signals back. Returns the signals that came meanwhile. Other listeners must exist by then. */
export type ReleaseWarnings = () => readonly Warning[]

/** Holds warning signals back. This must be the first thing that the process does. */
export function holdWarnings(): ReleaseWarnings {
  const received: Warning[] = []
  const note = (signal: Warning): void => {
    received.push(signal)
  }
  for (const signal of warnings) process.on(signal, note)
  return () => {
    for (const signal of warnings) process.off(signal, note)
    return received.splice(0)
  }
}
