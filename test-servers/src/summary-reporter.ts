import type { ProvidedContext } from 'vitest'
import type { Reporter, TestModule } from 'vitest/node'
import type {} from './provided.ts'
import { summarise } from './summary.ts'

/** Prints at the end of a run on which servers it ran, so that a run on emulators only does not look like more. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const projects = new Set(modules.map(({ project }) => project))
    const lines = [...projects].flatMap((project) => linesOf(project.name, project.getProvidedContext()))
    if (lines.length > 0) process.stdout.write(`servers: ${lines.join('\n         ')}\n\n`)
  }
}

/** A project that uses no servers was given none to provide. */
function linesOf(
  project: string,
  { servers, emulator = 'never' }: Partial<ProvidedContext>,
): readonly string[] {
  return servers === undefined ? [] : summarise(project, servers, emulator)
}
