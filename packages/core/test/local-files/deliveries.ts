import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Delivery, DeliveryOptions } from '../../src/local-files/to-directory.ts'

/** Files by their names, as texts. */
export type Texts = Readonly<Record<string, string>>

export function deliveriesOf(files: Texts): readonly Delivery[] {
  return Object.entries(files).map(([name, text]) => ({
    name,
    size: Buffer.byteLength(text),
    open: async () => chunksOf(text),
  }))
}

async function* chunksOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text)
}

export const plain: DeliveryOptions = {
  signal: undefined,
  onProgress: undefined,
  storeRoot: undefined,
  others: 'report',
}

export async function writeTree(root: string, files: Texts): Promise<void> {
  await mkdir(root, { recursive: true })
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
}

/** Every file below a folder, hidden ones too. */
export async function readTree(root: string): Promise<Texts> {
  const children = await readdir(root, { recursive: true, withFileTypes: true })
  const names = children
    .filter((child) => child.isFile())
    .map((child) => join(child.parentPath, child.name).slice(root.length + 1))
  const texts = await Promise.all(names.map((name) => readFile(join(root, name), 'utf8')))
  const files = names.map((name, index): [string, string] => [name, texts[index] ?? ''])
  return Object.fromEntries(files.toSorted())
}
