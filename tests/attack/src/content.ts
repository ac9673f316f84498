import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Random } from './random.ts'

/** Largest size of most files, and size of a few files. From 8 MiB, object stores get a file in several requests. */
const smallBytes = 200_000
const largeBytes = 9 * 2 ** 20

/** Returns the files that an operation saves. Names, sizes and bytes depend only on the id of the operation. */
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

/** Compares restored files with those that an operation saved. Returns the difference, or `undefined` if equal. */
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

/** Returns the id of the operation that saved a checkpoint, from the metadata of the checkpoint. */
export function operationIn(metadata: unknown): string | undefined {
  if (typeof metadata !== 'object' || metadata === null || !('operation' in metadata)) return undefined
  return typeof metadata.operation === 'string' ? metadata.operation : undefined
}
