import type { Vitest } from 'vitest/node'

/** Returns whether a run excludes the long tests, as `npx -y pnpm@12 test` does. */
export function leavesOutLongTests({ config }: Pick<Vitest, 'config'>): boolean {
  return config.cliExclude?.some((pattern) => pattern.endsWith('.long.test.ts')) === true
}
