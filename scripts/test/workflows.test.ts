import { expect, test } from 'vitest'
import { formFaults } from '../parts/issue-forms.ts'
import { foreignCommands, movableActions } from '../parts/workflow-commands.ts'

const workflow = (steps: string): string => `jobs:
  one:
    strategy:
      matrix:
        run: [model, modell]
        include:
          - system: windows
            other: modelll
    steps:
${steps}`

test('accepts commands that call a script of the repository', () => {
  const steps = `      - run: .ci/run
      - run: npx -y pnpm@12 release:dry
      - run: node scripts/test-on-this-node.ts`
  expect(foreignCommands(workflow(steps))).toEqual([])
})

test.each([
  ['a shell script', '|\n          echo a\n          echo b', ['echo a\necho b\n']],
  ['a script that does not exist', 'node scripts/nothing.ts', ['node scripts/nothing.ts']],
  [
    'a misspelt value that a matrix includes',
    'npx -y pnpm@12 ${{ matrix.other }}',
    ['npx -y pnpm@12 modelll'],
  ],
  ['a name that a matrix lacks', 'npx -y pnpm@12 ${{ matrix.none }}', ['npx -y pnpm@12 ${{ matrix.none }}']],
  ['a misspelt value of a matrix', 'npx -y pnpm@12 ${{ matrix.run }}', ['npx -y pnpm@12 modell']],
])('finds %s', (_, run, found) => {
  expect(foreignCommands(workflow(`      - run: ${run}`))).toEqual(found)
})

test('finds a command in an input of an action', () => {
  const steps = `      - uses: some/action@${'a'.repeat(40)}
        with:
          publish-script: npm publish`
  expect(foreignCommands(workflow(steps))).toEqual(['npm publish'])
})

test('finds actions that can change, and workflows that do not exist', () => {
  const steps = `      - uses: some/action@v1
      - uses: some/action@${'a'.repeat(40)}`
  const calls = '\n  two:\n    uses: ./.github/workflows/nothing.yml'
  expect(movableActions(workflow(steps) + calls)).toEqual([
    'some/action@v1',
    './.github/workflows/nothing.yml',
  ])
})

test('accepts a form with one field', () => {
  const form = 'name: a\ndescription: b\nbody:\n  - type: input\n    attributes: { label: c }'
  expect(formFaults(form)).toEqual([])
})

test.each([
  ['no label', '- type: input', 'It has no label.'],
  ['an unknown type', '- { type: text, attributes: { label: c } }', 'text is not a field type.'],
  [
    'an option that is no string',
    '- { type: dropdown, attributes: { label: c, options: [1] } }',
    'must be strings',
  ],
])('finds a field with %s in a form', (_, field, fault) => {
  expect(formFaults(`name: a\ndescription: b\nbody:\n  ${field}`).join()).toContain(fault)
})
