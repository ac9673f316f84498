/**
 * Lets a program exit on SIGINT and SIGTERM, so that the servers that it started end with it. Without it, a signal ends only the
 * program. Tests do not need it: their runner exits.
 */
export function exitOnSignals(): void {
  process.once('SIGINT', () => process.exit(130))
  process.once('SIGTERM', () => process.exit(143))
}
