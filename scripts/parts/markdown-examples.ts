/** Compiles the examples of Markdown pages in one program, without files. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, sep } from 'node:path'
import ts from 'typescript'
import { root } from './checkout.ts'

export interface Page {
  /** The path of the file, relative to the root of the checkout. */
  readonly name: string
  readonly text: string
}

/** A block of TypeScript. `line` is the line of the page before its first line. */
interface Example {
  readonly page: string
  readonly line: number
  readonly code: string
}

/** The examples are files of this folder for the compiler. It does not exist. */
const folder = `${root.split(sep).join('/')}.examples`

/** What the examples use and do not declare. */
const names = `
import type * as core from '@holdfast/core'
import type * as data from '@holdfast/core/data'
declare global {
  const openStore: typeof core.openStore
  const DataLoader: typeof data.DataLoader
  const store: core.CheckpointStore
  const request: core.SaveRequest
  const files: core.SaveRequest['files']
  const images: readonly Uint8Array[]
  function freeSomeSpace(): Promise<void>
  function readLines(path: string): AsyncIterable<string>
  function train(samples: unknown): void
}
`

/** The package of an author of a backend. */
const ownPackage = `
import { MemoryBackend } from '@holdfast/core'
export class MyBackend extends MemoryBackend {}
`

const options: ts.CompilerOptions = {
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2024,
  lib: ['lib.es2024.d.ts', 'lib.esnext.array.d.ts', 'lib.esnext.disposable.d.ts'],
  module: ts.ModuleKind.NodeNext,
  moduleDetection: ts.ModuleDetectionKind.Force,
  allowImportingTsExtensions: true,
  typeRoots: [join(root, 'node_modules', '@types')],
  types: ['node'],
  paths: {
    ...Object.fromEntries(readdirSync(join(root, 'packages')).flatMap(entryPointsOf)),
    ...typesOfDependency('adapter-s3', '@aws-sdk/client-s3'),
    ...typesOfDependency('adapter-gcs', '@google-cloud/storage'),
  },
}

/** Returns the errors of the compiler in the examples of these pages, each with its page and line. */
export function exampleFaults(pages: readonly Page[]): readonly string[] {
  const examples = new Map(
    pages.flatMap(examplesOf).map((example, index) => [`${folder}/test/example-${index}.ts`, example]),
  )
  const files = new Map([
    [`${folder}/names.d.ts`, names],
    [`${folder}/src/index.ts`, ownPackage],
    ...[...examples].map(([file, { code }]) => [file, code] as const),
  ])
  const program = ts.createProgram({ rootNames: [...files.keys()], options, host: hostWith(files) })
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const message = ts.flattenDiagnosticMessageText(messageText, '\n')
    const example = file && examples.get(file.fileName)
    if (file === undefined || example === undefined) return message
    const { line } = file.getLineAndCharacterOfPosition(start)
    return `${example.page}:${example.line + line + 1}: ${message}`
  })
}

function examplesOf({ name, text }: Page): readonly Example[] {
  return [...text.matchAll(/^```ts\n(.*?)^```$/gms)].map(({ index, 1: code = '' }) => ({
    page: name,
    line: text.slice(0, index).split('\n').length,
    code,
  }))
}

/** Returns a host that reads these files from memory, and all others from the disk. */
function hostWith(files: ReadonlyMap<string, string>): ts.CompilerHost {
  const host = ts.createCompilerHost(options)
  return {
    ...host,
    directoryExists: (name) => name.startsWith(folder) || host.directoryExists?.(name) === true,
    fileExists: (name) => files.has(name) || host.fileExists(name),
    readFile: (name) => files.get(name) ?? host.readFile(name),
    getSourceFile(name, version, ...others) {
      const text = files.get(name)
      return text === undefined
        ? host.getSourceFile(name, version, ...others)
        : ts.createSourceFile(name, text, version)
    },
  }
}

interface Manifest {
  readonly name: string
  readonly types?: string
  readonly exports?: Readonly<Record<string, string | { readonly types?: string }>>
}

/** Returns the file with the types of each entry point of a package of this repository. */
function entryPointsOf(name: string): readonly (readonly [string, string[]])[] {
  const path = join(root, 'packages', name)
  const { name: published, exports = {} } = manifestIn(path)
  return Object.entries(exports).flatMap(([entryPoint, target]) =>
    typeof target === 'string' || target.types === undefined
      ? []
      : [[entryPoint.replace('.', published), [join(path, target.types)]] as const],
  )
}

function typesOfDependency(dependent: string, name: string): Readonly<Record<string, string[]>> {
  const path = join(root, 'packages', dependent, 'node_modules', name)
  return { [name]: [join(path, manifestIn(path).types ?? 'index.d.ts')] }
}

function manifestIn(path: string): Manifest {
  return JSON.parse(readFileSync(join(path, 'package.json'), 'utf8')) as Manifest
}
