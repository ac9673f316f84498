import { conformanceCases, policiesFor } from '@holdfast/conformance'
import { CheckpointStore } from '@holdfast/core'
import { startGcsEmulator } from '@holdfast/emulators'
import { expect, test } from 'vitest'
import { GcsBackend } from '../src/index.ts'
import { subjectOn } from './subject.ts'

/** The permission that allows each method: https://cloud.google.com/storage/docs/access-control/iam-json. */
const permissionOf: Readonly<Record<string, string>> = {
  'objects.get': 'storage.objects.get',
  'objects.list': 'storage.objects.list',
  'objects.insert': 'storage.objects.create',
  'objects.delete': 'storage.objects.delete',
  // The emulator checks a copy also as an insert.
  'objects.rewrite': 'storage.objects.get',
}

function permissionsOf(document: string | undefined): readonly string[] {
  const role = JSON.parse(document ?? '') as { readonly includedPermissions: readonly string[] }
  return role.includedPermissions
}

const documents = policiesFor(new URL('gs://checkpoints/runs/a'))
const [writer, reader, condition, lifecycle] = documents

/** An emulator that grants one role. `used` are the permissions that requests needed. */
async function emulatorFor(document: string | undefined) {
  const granted = permissionsOf(document)
  const used = new Set<string>()
  const gcs = await startGcsEmulator({
    buckets: ['checkpoints'],
    denies: ({ operation }) => {
      const permission = permissionOf[operation] ?? operation
      used.add(permission)
      return !granted.includes(permission)
    },
  })
  return { gcs, granted, used }
}

test('the role of a writer allows what the backend does, and no permission of it is superfluous', async () => {
  const { gcs, granted, used } = await emulatorFor(writer?.text)
  await using _ = gcs
  const { endpoint } = gcs
  const subject = subjectOn({ name: 'emulator', bucket: 'checkpoints', endpoint, gaps: {}, unsteady: {} })
  const chosen =
    /^(commit creates|list starts|delete reports|put replaces|a resumable put continues|read returns)/
  for (const each of conformanceCases.filter(({ name }) => chosen.test(name))) {
    const backend = await subject.open()
    await each.run(backend, subject)
    await backend.close()
  }
  expect([...used].sort()).toEqual([...granted].sort())
})

test('the role of a reader denies every write, and allows to list', async () => {
  const { gcs } = await emulatorFor(reader?.text)
  await using _ = gcs
  const backend = new GcsBackend('checkpoints', 'runs/a', { endpoint: gcs.endpoint })
  await using store = new CheckpointStore(backend)
  const denied = expect.objectContaining({ code: 'PERMISSION_DENIED' }) as Error
  expect(await store.list()).toEqual([])
  await expect(backend.put('k', Buffer.from('x'))).rejects.toEqual(denied)
  await expect(backend.commit('k', Buffer.from('x'))).rejects.toEqual(denied)
  expect((await backend.delete(['k'])).failed).toEqual([{ key: 'k', error: denied }])
})

test('the documents name only the path', () => {
  expect(condition?.text).toContain('projects/_/buckets/checkpoints/objects/runs/a/')
  expect(JSON.parse(lifecycle?.text ?? '')).toEqual({
    rule: [
      { action: { type: 'Delete' }, condition: { daysSinceNoncurrentTime: 7, matchesPrefix: ['runs/a/'] } },
    ],
  })
})
