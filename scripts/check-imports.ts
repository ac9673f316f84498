/**
 * Checks that imports have no cycles: the files and folders inside each folder must not import each other in a cycle.
 * Imports of types count, too.
 */
import { globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import ts from 'typescript'
import { root } from './parts/checkout.ts'

const sources = ['{packages,examples,tests}/*/{src,app,test}', '{bench,site}/{src,test}', 'scripts']

/** The imports between the children of each folder, by folder and then by importing child. */
const importsIn = new Map<string, Map<string, Set<string>>>()
let files = 0
for (const source of globSync(sources, { cwd: root })) {
  for (const name of globSync('**/*.{ts,tsx}', { cwd: join(root, source) })) {
    files += 1
    const file = join(root, source, name)
    for (const imported of importsOf(file)) addImport(file, imported)
  }
}

const cycles = [...importsIn].flatMap(([folder, graph]) =>
  cyclesIn(graph).map((names) => `${relative(root, folder)}: ${[...names, names[0]].join(' -> ')}`),
)
for (const cycle of cycles) console.error(`import cycle in ${cycle}`)
if (cycles.length > 0) process.exit(1)
console.log(`imports flow one way in ${files} files of ${importsIn.size} folders`)

function importsOf(file: string): readonly string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(file, 'utf8'), true, true)
  return importedFiles
    .filter(({ fileName }) => fileName.startsWith('.'))
    .map(({ fileName }) => resolve(dirname(file), fileName))
}

/** Records an import between the two children of the innermost folder that contains both files. */
function addImport(from: string, to: string): void {
  const fromPath = from.split(sep)
  const toPath = to.split(sep)
  const depth = fromPath.findIndex((part, index) => part !== toPath[index])
  if (depth === -1) return
  const folder = fromPath.slice(0, depth).join(sep)
  const [importer, imported] = [fromPath[depth], toPath[depth]]
  if (importer === undefined || imported === undefined) return
  const graph = importsIn.get(folder) ?? new Map<string, Set<string>>()
  importsIn.set(folder, graph)
  graph.set(importer, (graph.get(importer) ?? new Set()).add(imported))
}

/** Returns the shortest cycle through each child that is in a cycle, without duplicates, the shortest first. */
function cyclesIn(graph: ReadonlyMap<string, ReadonlySet<string>>): readonly (readonly string[])[] {
  const found = new Map<string, readonly string[]>()
  for (const start of graph.keys()) {
    const path = shortestPathBack(graph, start)
    if (path !== undefined) found.set(path.toSorted().join(), path)
  }
  return [...found.values()].sort((one, other) => one.length - other.length)
}

function shortestPathBack(
  graph: ReadonlyMap<string, ReadonlySet<string>>,
  start: string,
): readonly string[] | undefined {
  const seen = new Set<string>()
  let paths: readonly (readonly string[])[] = [[start]]
  while (paths.length > 0) {
    const next: (readonly string[])[] = []
    for (const path of paths) {
      for (const name of graph.get(path.at(-1) ?? start) ?? []) {
        if (name === start) return path
        if (!seen.has(name)) next.push([...path, name])
        seen.add(name)
      }
    }
    paths = next
  }
  return undefined
}
