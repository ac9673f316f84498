import type { AvailableServer } from '../../servers/src/kinds.ts'
import type { EmulatorUse, ProvidedServer, Servers } from '../../servers/src/provided.ts'

/**
 * Returns the servers that a project used, such as `adapter-s3 on MinIO 2026-02-12 (installed), emulator`, and one line
 * for each unavailable server.
 */
export function summarise(project: string, servers: Servers, emulator: EmulatorUse): readonly string[] {
  const ranOn: string[] = []
  const without: string[] = []
  for (const server of Object.values<ProvidedServer>(servers)) {
    if (server === undefined) continue
    if (server.how === 'unavailable') without.push(`  without ${server.name}: ${firstLine(server.reason)}`)
    else ranOn.push(describeServer(server))
  }
  if (emulator === 'always' || (emulator === 'fallback' && ranOn.length === 0)) ranOn.push('emulator')
  return [`${project} on ${ranOn.length > 0 ? ranOn.join(', ') : 'no server'}`, ...without]
}

/** Tests with one reason that are listed one by one. */
const mostTests = 3

/**
 * Returns one line for each skipped test, such as `adapter-fs, clones on xfs: mkfs.xfs is missing`. Many tests with one reason are
 * counted in one line.
 */
export function summariseSkipped(
  skipped: readonly { readonly test: string; readonly reason: string }[],
): readonly string[] {
  const byReason = Map.groupBy(skipped, ({ reason }) => firstLine(reason))
  return [...byReason].flatMap(([reason, tests]) =>
    tests.length > mostTests
      ? [`${tests[0]?.test ?? ''}, and ${tests.length - 1} more tests: ${reason}`]
      : tests.map(({ test }) => `${test}: ${reason}`),
  )
}

function describeServer({ name, version, how }: AvailableServer): string {
  return [name, ...(version === undefined ? [] : [version]), `(${how})`].join(' ')
}

function firstLine(text: string): string {
  return text.split('\n', 1).join()
}
