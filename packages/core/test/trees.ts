import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** The contents of files by name, as strings. */
export type Texts = Readonly<Record<string, string>>

export async function writeTree(root: string, files: Texts): Promise<void> {
  await mkdir(root, { recursive: true })
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true })
    await writeFile(join(root, name), text)
  }
}

/** Returns every file below a folder, including hidden ones. */
export async function readTree(root: string): Promise<Texts> {
  const children = await readdir(root, { recursive: true, withFileTypes: true })
  const names = children
    .filter((child) => child.isFile())
    .map((child) => join(child.parentPath, child.name).slice(root.length + 1))
  const texts = await Promise.all(names.map((name) => readFile(join(root, name), 'utf8')))
  const files = names.map((name, index): [string, string] => [name, texts[index] ?? ''])
  return Object.fromEntries(files.toSorted())
}
