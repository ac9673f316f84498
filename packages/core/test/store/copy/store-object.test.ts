import { expect, test } from 'vitest'
import { MemoryBackend } from '../../../src/index.ts'
import { newAttemptId, objectKey } from '../../../src/catalog/documents/index.ts'
import { sha256Hex } from '../../../src/integrity/index.ts'
import { AttemptReader } from '../../../src/store/attempts/packs/attempt-reader.ts'
import type { ObjectToCopy } from '../../../src/store/copy/objects-to-copy.ts'
import { storeObject } from '../../../src/store/copy/store-object.ts'
import { codeOf, keysOf } from '../../stores.ts'

const [from, to] = [newAttemptId(1, 0, '0'.repeat(16)), newAttemptId(1, 0, '1'.repeat(16))]
const pack = '.holdfast/packs/0'

/** A pack of two files. The manifest has the right digest of the pack, and this one of its second file. */
function packWith(sha256OfSecond: string): ObjectToCopy {
  const whole = { size: 6, sha256: sha256Hex(Buffer.from('onetwo')) }
  const inPack = { object: pack, size: 3 }
  return {
    kind: 'pack',
    name: pack,
    size: 6,
    file: { name: pack, object: pack, ...whole },
    files: [
      { ...inPack, name: 'one', offset: 0, sha256: sha256Hex(Buffer.from('one')), pack: whole },
      { ...inPack, name: 'two', offset: 3, sha256: sha256OfSecond },
    ],
  }
}

test.each([
  { resumesPuts: true, bytes: 'two', outcome: 'no error', shown: 1 },
  { resumesPuts: true, bytes: 'six', outcome: 'CORRUPT', shown: 0 },
  { resumesPuts: false, bytes: 'six', outcome: 'CORRUPT', shown: 0 },
])(
  'verifies each file of a pack, not only the pack: $outcome if the manifest has the digest of $bytes, and puts can continue: $resumesPuts',
  async ({ resumesPuts, bytes, outcome, shown }) => {
    const source = new MemoryBackend()
    const memory = new MemoryBackend()
    const destination = Object.assign(memory, { capabilities: { ...memory.capabilities, resumesPuts } })
    await source.put(objectKey(from, pack), Buffer.from('onetwo'))
    await using reader = new AttemptReader(source, from, [])
    const ends = { source, sourceReader: source, reader, destination, from, to }
    const object = packWith(sha256Hex(Buffer.from(bytes)))
    const { signal } = new AbortController()
    expect(await codeOf(storeObject(ends, object, 1, { signal }))).toBe(outcome)
    expect(await keysOf(destination)).toHaveLength(shown)
  },
)
