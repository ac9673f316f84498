import { globSync, readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { exitCodeByError, exitCodes, exitCodesHelp } from '../src/exit-codes.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const read = (path: string): string => readFileSync(`${root}/${path}`, 'utf8')

/** Returns a section of a page, without its heading. */
function section(page: string, heading: string): string {
  const [, text] = read(page).split(`\n## ${heading}\n`)
  if (text === undefined) throw new Error(`${page} has no section "${heading}".`)
  return text.split('\n## ')[0] ?? ''
}

/** Returns the cells of each row of the tables of a text. */
function rowsOf(text: string): readonly (readonly string[])[] {
  return [...text.matchAll(/^\|(.*)\|$/gm)].map(([, row = '']) =>
    row.split(/(?<!\\)\|/).map((cell) => cell.trim()),
  )
}

/** Returns the words of a text that are set as code. */
function codeIn(text = ''): readonly string[] {
  return [...text.matchAll(/`([^`]+)`/g)].map(([, code = '']) => code)
}

const allCodes = Object.values(exitCodes)

test('docs/cli.md lists every exit code with its errors', () => {
  const listed = rowsOf(section('docs/cli.md', 'Exit codes'))
    .filter(([code]) => /^\d+$/.test(code ?? ''))
    .map(([code, , errors]) => [Number(code), codeIn(errors).toSorted()])
  // These are not errors of the library, except that a signal decides the code of an abort.
  const others: Readonly<Record<number, string>> = { 1: 'UNEXPECTED', 2: 'USAGE', 143: 'ABORTED' }
  const expected = allCodes.map((code) => {
    const errors = Object.entries(exitCodeByError).flatMap(([error, own]) => (own === code ? [error] : []))
    return [code, [...errors, ...(others[code] === undefined ? [] : [others[code]])].toSorted()]
  })
  expect(listed).toEqual(expected)
})

test('--help lists every exit code', () => {
  expect([...exitCodesHelp.matchAll(/^ +(\d+) /gm)].map(([, code]) => Number(code))).toEqual(allCodes)
})

test('docs/errors.md lists every error with its exit code', () => {
  const listed = rowsOf(read('docs/errors.md')).flatMap(([error, code]) =>
    codeIn(error).flatMap((name) => (/^[A-Z_]+$/.test(name) ? [[name, code]] : [])),
  )
  const expected = Object.entries(exitCodeByError).map(([error, code]) => [
    error,
    error === 'ABORTED' ? `${code}, ${exitCodes.terminated}` : String(code),
  ])
  expect(listed.toSorted()).toEqual(expected.toSorted())
})

/** A line of JSON as the code writes it. Fields of a spread object are not known. */
interface WrittenLine {
  readonly file: string
  readonly type: string
  readonly command: string | undefined
  readonly fields: readonly string[]
}

/** Returns the lines that a file passes to `data` or `dataBeside` of a printer as literal objects. */
function linesWrittenBy(file: string): readonly WrittenLine[] {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest, true)
  const lines: WrittenLine[] = []
  const visit = (node: ts.Node, isPrinted: boolean): void => {
    if (isPrinted && ts.isObjectLiteralExpression(node)) {
      const line = lineOf(node, file)
      if (line !== undefined) lines.push(line)
      return
    }
    const prints =
      ts.isCallExpression(node) &&
      ts.isPropertyAccessExpression(node.expression) &&
      /^data(Beside)?$/.test(node.expression.name.text)
    ts.forEachChild(node, (child) => {
      visit(child, isPrinted || prints)
    })
  }
  visit(source, false)
  return lines
}

function lineOf({ properties }: ts.ObjectLiteralExpression, file: string): WrittenLine | undefined {
  const literal = (name: string): string | undefined =>
    properties.flatMap((each) =>
      ts.isPropertyAssignment(each) && each.name.getText() === name && ts.isStringLiteral(each.initializer)
        ? [each.initializer.text]
        : [],
    )[0]
  const type = literal('type')
  if (type === undefined) return undefined
  const names = properties.flatMap((each) => (each.name === undefined ? [] : [each.name.getText()]))
  const fields = names.filter((name) => name !== 'type' && name !== 'command')
  return { file, type, command: literal('command'), fields }
}

const json = section('docs/cli.md', 'JSON')
const jsonCode = new Set(codeIn(json))
const written = globSync('packages/cli/src/**/*.ts', { cwd: root }).flatMap(linesWrittenBy)

/** The rows of the table of commands by command: what is printed before the result, and the fields of the result. */
const documented = rowsOf(json.split('\n### ')[0] ?? '').flatMap(([commands, lines, result, ...others]) =>
  result === undefined || others.length > 0
    ? []
    : codeIn(commands).map((command) => ({ command: command.split(' ')[0], lines, result })),
)

test('docs/cli.md documents every result of --json', () => {
  const results = written.filter(({ type }) => type === 'result')
  const missing = results.flatMap(({ command, fields }) => {
    const rows = documented.filter((row) => row.command === command)
    const known = new Set(rows.flatMap(({ result }) => codeIn(result)))
    if (rows.length === 0) return [command]
    return fields.filter((field) => !known.has(field)).map((field) => `${command}: ${field}`)
  })
  expect(missing).toEqual([])
  const commands = new Set(results.map(({ command }) => command))
  expect(commands.size).toBeGreaterThan(30)
  const unknown = documented.flatMap(({ command }) => (commands.has(command) ? [] : [command]))
  expect(unknown).toEqual(['watch']) // a watch has only lines
})

test('docs/cli.md documents every other line of --json', () => {
  const events = ['events.ts', 'supervisor/events.ts'].flatMap((name) =>
    [...read(`packages/watch/src/${name}`).matchAll(/readonly type: '(\w+)'/g)].map(([, type = '']) => type),
  )
  const lines = written.filter(({ type }) => type !== 'result')
  const words = [...events, ...lines.flatMap(({ type, fields }) => [type, ...fields])]
  expect(words.length).toBeGreaterThan(60)
  expect(words.filter((word) => !jsonCode.has(word))).toEqual([])
  const misplaced = lines.filter(({ file, type }) => {
    const [, command] = /commands\/(\w+)\.ts$/.exec(file) ?? []
    const rows = documented.filter((row) => row.command === command)
    return rows.length > 0 && !rows.some((row) => codeIn(row.lines).includes(type))
  })
  expect(misplaced).toEqual([])
})

test.each([
  ['docs/cli.md', section('docs/cli.md', 'Commands')],
  ['packages/cli/README.md', read('packages/cli/README.md')],
])('%s lists every command', (_, text) => {
  const listed = new Set(
    rowsOf(text).flatMap((cells) => codeIn(cells.join(' ')).map((code) => code.split(' ')[0])),
  )
  const commands = globSync('packages/cli/src/commands/*.ts', { cwd: root }).map((path) =>
    basename(path, '.ts'),
  )
  expect(commands.length).toBeGreaterThan(30)
  expect(commands.filter((command) => !listed.has(command))).toEqual([])
})
