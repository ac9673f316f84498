import type { ProvidedContext } from 'vitest'
import type { Reporter, TestModule, Vitest } from 'vitest/node'
import { leavesOutLongTests } from '../../servers/src/long-tests.ts'
import type {} from '../../servers/src/provided.ts'
import { summarise, summariseSkipped } from './summary.ts'

/** Prints, at the end of a run, the servers that were used and the tests that did not run. */
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
    print('left out: ', this.#isShort ? ['the long tests (run them with `npx -y pnpm@12 test:all`)'] : [])
    print('skipped: ', summariseSkipped(modules.flatMap(skippedIn)))
  }
}

/** Prints lines with a title before the first one. */
function print(title: string, lines: readonly string[]): void {
  if (lines.length > 0) process.stdout.write(`${title}${lines.join(`\n${' '.repeat(title.length)}`)}\n\n`)
}

/** Returns the lines of a project. A project that uses no servers has no lines. */
function linesOf(
  project: string,
  { servers, emulator = 'never' }: Partial<ProvidedContext>,
): readonly string[] {
  return servers === undefined ? [] : summarise(project, servers, emulator)
}

/** Returns the tests that skipped themselves with a reason. */
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
