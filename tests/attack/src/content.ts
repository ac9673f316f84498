import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Random } from './random.ts'

/** Bytes of the largest file. Files on object stores go in several requests from 8 MiB on, so a few are larger. */
const smallBytes = 200_000
const largeBytes = 9 * 2 ** 20

/** The files that an operation saves: their names, sizes and bytes follow from its id alone. */
export function filesOf(id: string): Readonly<Record<string, Buffer>> {
  const random = new Random(createHash('sha256').update(id).digest().readUInt32LE())
  const count = 1 + random.below(3)
  const isLarge = random.below(25) === 0
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => {
      const size = isLarge && index === 0 ? largeBytes : random.below(smallBytes)
      return [`part-${index}/model.bin`, Buffer.alloc(size, `${id} ${index} `)]
    }),
  )
}

/** What is wrong with restored files; `undefined` if every byte is what the operation saved. */
export async function differenceFrom(
  id: string,
  restored: readonly { readonly name: string; readonly path: string }[],
): Promise<string | undefined> {
  const expected = filesOf(id)
  const names = restored.map(({ name }) => name).toSorted()
  if (names.join() !== Object.keys(expected).toSorted().join())
    return `restored the files ${names.join(', ')}`
  for (const { name, path } of restored) {
    const bytes = await readFile(path)
    if (!expected[name]?.equals(bytes)) return `${name} differs from what ${id} saved`
  }
  return undefined
}

/** The operation that a checkpoint came from, by its metadata. */
export function operationIn(metadata: unknown): string | undefined {
  if (typeof metadata !== 'object' || metadata === null || !('operation' in metadata)) return undefined
  return typeof metadata.operation === 'string' ? metadata.operation : undefined
}
