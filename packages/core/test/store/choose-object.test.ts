import { expect, test } from 'vitest'
import type { AttemptId, Manifest, ManifestFile } from '../../src/catalog/documents/index.ts'
import { newAttemptId, newManifest } from '../../src/catalog/documents/index.ts'
import { twinToCopy, twinToShare } from '../../src/store/attempts/reuse/choose-object.ts'

const size = 2 ** 20
const file = { name: 'model.bin', source: new Uint8Array(), size }

/** A checkpoint with one file, whose bytes another attempt may have written. */
function checkpoint(step: number, fields: Partial<ManifestFile> = {}): Manifest {
  return newManifest({
    attempt: attemptOf(step),
    step,
    savedAt: '2026-01-01T00:00:00.000Z',
    order: { segment: 0, base: step },
    files: [{ name: file.name, object: file.name, size, sha256: 'a'.repeat(64), ...fields }],
    metrics: {},
    tags: [],
  })
}

function attemptOf(step: number): AttemptId {
  return newAttemptId(step, step, '0'.repeat(16))
}

function filesOf({ files }: Manifest): ReadonlyMap<string, ManifestFile> {
  return new Map(files.map((each) => [each.name, each]))
}

const sharing = (kept: readonly Manifest[], taken: readonly AttemptId[] = []) =>
  twinToShare(file, kept, filesOf, (writer) => taken.includes(writer))

test('gives a file bytes of its own if the kept checkpoints have one copy or none', () => {
  expect(sharing([])).toBeUndefined()
  expect(sharing([checkpoint(1)])).toBeUndefined()
  expect(sharing([checkpoint(2, { sharedWith: attemptOf(1) }), checkpoint(1)])).toBeUndefined()
  const others = { sha256: 'b'.repeat(64) }
  expect(sharing([checkpoint(2), checkpoint(1, others)])).toBeUndefined()
})

test('shares the copy that the latest checkpoint does not have', () => {
  const [first, second] = [checkpoint(1), checkpoint(2)]
  const third = checkpoint(3, { sharedWith: first.attempt })
  expect(sharing([second, first])).toMatchObject({ attempt: first.attempt })
  expect(sharing([third, second, first])).toMatchObject({ attempt: second.attempt })
  // The checkpoint that wrote a copy may be deleted.
  const fourth = checkpoint(4, { sharedWith: second.attempt })
  expect(sharing([fourth, third])).toMatchObject({ attempt: third.attempt, writtenBy: first.attempt })
})

test.each<[string, Partial<ManifestFile>]>([
  ['another size', { size: 3 }],
  ['other permission bits', { mode: 0o600 }],
  ['a place in a pack', { offset: 0 }],
])('does not use a file with %s', (_, fields) => {
  const kept = [checkpoint(3, fields), checkpoint(2), checkpoint(1)]
  expect(sharing(kept)).toBeUndefined()
  expect(twinToCopy(file, kept[0], filesOf)).toBeUndefined()
})

test('does not share a copy that is taken, and then shares the next one', () => {
  const [first, second, third] = [checkpoint(1), checkpoint(2), checkpoint(3)]
  expect(sharing([third, second, first], [second.attempt])).toMatchObject({ attempt: first.attempt })
  expect(sharing([third, second, first], [second.attempt, first.attempt])).toBeUndefined()
})

test('lets a service copy files of at least 1 MiB of the latest checkpoint', () => {
  const latest = checkpoint(1)
  expect(twinToCopy(file, latest, filesOf)).toMatchObject({ attempt: latest.attempt })
  expect(twinToCopy({ ...file, size: size - 1 }, latest, filesOf)).toBeUndefined()
  expect(twinToCopy(file, undefined, filesOf)).toBeUndefined()
})
