import type { ProvidedContext } from 'vitest'
import type { Reporter, TestModule, Vitest } from 'vitest/node'
import { leavesOutLongTests } from './long-tests.ts'
import type {} from './provided.ts'
import { summarise, summariseSkipped } from './summary.ts'

/** Prints at the end of a run what it did not test on this machine, so that it does not look like a run that did. */
export default class SummaryReporter implements Reporter {
  #isShort = false

  onInit(vitest: Vitest): void {
    this.#isShort = leavesOutLongTests(vitest)
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const projects = new Set(modules.map(({ project }) => project))
    print(
      'servers: ',
      [...projects].flatMap((project) => linesOf(project.name, project.getProvidedContext())),
    )
    print('left out: ', this.#isShort ? ['the long tests, which `pnpm test:all` runs'] : [])
    print('not tested here: ', summariseSkipped(modules.flatMap(skippedIn)))
  }
}

/** Prints lines below each other, with a title before the first one. */
function print(title: string, lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${title}${lines.join(`\n${' '.repeat(title.length)}`)}\n\n`)
}

/** A project that uses no servers was given none to provide. */
function linesOf(
  project: string,
  { servers, emulator = 'never' }: Partial<ProvidedContext>,
): readonly string[] {
  return servers === undefined ? [] : summarise(project, servers, emulator)
}

/** The tests that gave a reason when they skipped themselves. */
function skippedIn({
  project,
  children,
}: TestModule): readonly { readonly test: string; readonly reason: string }[] {
  return [...children.allTests('skipped')].flatMap((test) => {
    const result = test.result()
    if (result.state !== 'skipped' || result.note === undefined) return []
    return [{ test: `${project.name}, ${test.fullName}`, reason: result.note }]
  })
}
