import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

const source = (name: string): string => fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url))

/** The names that an entry point exports, types included, as the compiler sees them. */
function namesOf(entryPoint: string): readonly string[] {
  const program = ts.createProgram([entryPoint], {
    allowImportingTsExtensions: true,
    noEmit: true,
    module: ts.ModuleKind.NodeNext,
    target: ts.ScriptTarget.ES2024,
    skipLibCheck: true,
  })
  const checker = program.getTypeChecker()
  const file = program.getSourceFile(entryPoint)
  const symbol = file && checker.getSymbolAtLocation(file)
  if (symbol === undefined) throw new Error(`${entryPoint} is not a module.`)
  return checker
    .getExportsOfModule(symbol)
    .map(({ name }) => name)
    .sort()
}

test.each(['index', 'backend', 'data'])(
  'the entry point %s exports exactly the listed names',
  async (name) => {
    await expect(`${namesOf(source(name)).join('\n')}\n`).toMatchFileSnapshot(`entry-points/${name}.txt`)
  },
)
