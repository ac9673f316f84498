/**
 * Lets a program exit on SIGINT, SIGTERM and SIGHUP, so that the servers that it started end with it. Without it, a signal ends
 * only the program. Tests do not need it: their runner exits.
 */
export function exitOnSignals(): void {
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
  process.once('SIGHUP', () => process.exit(129))
}

/** Lets a forked program exit if its parent has gone, also if that was killed. Returns a function that ends this. */
export function exitWithParent(): () => void {
  const exit = (): never => process.exit()
  process.once('disconnect', exit)
  return () => {
    process.off('disconnect', exit)
  }
}
