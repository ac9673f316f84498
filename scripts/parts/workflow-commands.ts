import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { root } from './checkout.ts'

/** The parts of a workflow of GitHub Actions that name commands and actions. */
interface Workflow {
  readonly jobs: Readonly<Record<string, Job>>
}

interface Job {
  /** Another workflow. */
  readonly uses?: string
  readonly strategy?: { readonly matrix?: Matrix }
  readonly steps?: readonly Step[]
}

/** The values of each name. `include` adds names and values. */
interface Matrix {
  readonly include?: readonly Readonly<Record<string, unknown>>[]
  readonly [name: string]: readonly unknown[] | undefined
}

interface Step {
  readonly uses?: string
  readonly run?: string
  readonly with?: Readonly<Record<string, unknown>>
}

const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>
}

/** Returns the commands of a workflow that are not one call of a script of this repository, which runs in any checkout, too. */
export function foreignCommands(text: string): readonly string[] {
  const { jobs } = parse(text) as Workflow
  return Object.values(jobs).flatMap(({ steps = [], strategy }) =>
    steps
      .flatMap((step) => commandsOf(step))
      .flatMap((command) => expanded(command, strategy?.matrix ?? {}))
      .filter((command) => !isOwn(command)),
  )
}

/** Returns the actions and workflows that can change: those of others without a commit, and own ones that do not exist. */
export function movableActions(text: string): readonly string[] {
  const { jobs } = parse(text) as Workflow
  return Object.values(jobs)
    .flatMap(({ uses, steps = [] }) => [uses, ...steps.map((step) => step.uses)])
    .filter((action) => action !== undefined)
    .filter((action) =>
      action.startsWith('./') ? !existsSync(join(root, action)) : !/@[0-9a-f]{40}$/.test(action),
    )
}

/** An action takes a command in an input such as `publish-script`. */
function commandsOf({ run, with: inputs = {} }: Step): readonly string[] {
  const scriptInputs = Object.entries(inputs).filter(([name]) => name.endsWith('-script'))
  return [run, ...scriptInputs.map(([, command]) => command)].filter((command) => typeof command === 'string')
}

/** Returns the command for each value of the matrix that it names. A name without a value stays in the command. */
function expanded(command: string, matrix: Matrix): readonly string[] {
  const [expression, name = ''] = /\$\{\{ matrix\.(\w+) \}\}/.exec(command) ?? []
  if (expression === undefined) return [command]
  const values = [...(matrix[name] ?? []), ...(matrix.include ?? []).flatMap((each) => each[name] ?? [])]
  if (values.length === 0) return [command]
  return values.flatMap((value) =>
    expanded(
      command.replaceAll(expression, () => String(value)),
      matrix,
    ),
  )
}

function isOwn(command: string): boolean {
  if (command.includes('\n')) return false
  const [program, ...words] = command.split(' ')
  if (program === 'node') return existsSync(join(root, words[0] ?? ''))
  if (program === 'npx' && words[0] === '-y' && words[1] === 'pnpm@12')
    return words[2] === 'install' || Object.hasOwn(scripts, words[2] ?? '')
  return program === '.ci/run'
}
