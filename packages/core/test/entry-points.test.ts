import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'

const source = (name: string): string => fileURLToPath(new URL(`../src/${name}.ts`, import.meta.url))

interface Export {
  readonly name: string
  readonly isDocumented: boolean
}

const known = new Map<string, readonly Export[]>()

/** What an entry point exports, types included, as the compiler sees it. */
function exportsOf(name: string): readonly Export[] {
  const exported = known.get(name) ?? readExports(source(name))
  known.set(name, exported)
  return exported
}

function readExports(entryPoint: string): readonly Export[] {
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
    .map((exported) => {
      const declared = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
      return { name: exported.name, isDocumented: declared.getDocumentationComment(checker).length > 0 }
    })
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
}

test.each(['index', 'backend', 'connections', 'data'])(
  'the entry point %s exports exactly the listed names',
  async (name) => {
    const names = exportsOf(name).map((exported) => exported.name)
    await expect(`${names.join('\n')}\n`).toMatchFileSnapshot(`entry-points/${name}.txt`)
  },
)

test.each(['index', 'backend', 'connections', 'data'])(
  'the entry point %s documents everything that it exports',
  (name) => {
    const bare = exportsOf(name).filter(({ isDocumented }) => !isDocumented)
    expect(bare.map((exported) => exported.name)).toEqual([])
  },
)
