import { ContainerSASPermissions } from '@azure/storage-blob'
import { conformanceCases, policiesFor, type Subject } from '@holdfast/conformance'
import { CheckpointStore } from '@holdfast/core'
import { expect, test } from 'vitest'
import { AzureBackend } from '../src/index.ts'
import { newContainer, noServer } from './server.ts'

const documents = policiesFor(new URL('az://account/container/runs/a'))

/** The letters of a printed shared access signature. */
function permissionsOf(role: 'writer' | 'reader'): string {
  const document = documents.find(({ title }) => title.startsWith(`Shared access signature of a ${role}`))
  return /^sp=(\w+)$/.exec(document?.text ?? '')?.[1] ?? ''
}

test('states that the lifecycle rule counts from the time when a blob was written', () => {
  const { title = '' } = documents.find(({ text }) => text.includes('daysAfterCreationGreaterThan')) ?? {}
  expect(title).toContain('a week after the blob was written, also if the blob was deleted today')
})

const blockSize = 256 * 2 ** 10

/** Returns a function that opens places in a new container with some permissions only. */
async function containerWith() {
  const { account, name, client } = await newContainer()
  const { origin, pathname } = new URL(client.url)
  const endpoint = origin + pathname.split('/').slice(0, -1).join('/')
  return async (path: string, permissions: string) => {
    const url = await client.generateSasUrl({
      permissions: ContainerSASPermissions.parse(permissions),
      expiresOn: new Date(Date.now() + 3_600_000),
    })
    return new AzureBackend(account, name, path, {
      endpoint,
      sasToken: new URL(url).search,
      blockSize,
      threads: 2,
    })
  }
}

const chosen =
  /^(commit creates|list starts|delete reports|put replaces|a resumable put continues|read returns)/

/** Runs the cases with the permissions of a signature. Rejects if one of them fails. */
async function runCases(permissions: string): Promise<void> {
  const open = await containerWith()
  let count = 0
  const subject: Subject = {
    open: () => open(`runs/${(count += 1)}`, permissions),
    reopen: (backend) => open(new URL(backend.url).pathname.split('/').slice(2).join('/'), permissions),
    partBytes: blockSize,
    racingPuts: 'one succeeds',
  }
  for (const each of conformanceCases.filter(({ name }) => chosen.test(name))) {
    const backend = await subject.open()
    await each.run(backend, subject)
    await backend.close()
  }
}

test.skipIf(noServer)('the signature of a writer allows what the backend does', async () => {
  await runCases(permissionsOf('writer'))
})

test.skipIf(noServer).each(['r', 'w', 'd', 'l'])(
  'the permission %s in the signature of a writer is required',
  async (letter) => {
    await expect(runCases(permissionsOf('writer').replace(letter, ''))).rejects.toThrow()
  },
)

test.skipIf(noServer)(
  'the signature of a reader suffices to verify a store, and denies every write',
  async () => {
    const open = await containerWith()
    await using written = new CheckpointStore(await open('runs/a', permissionsOf('writer')))
    await written.save({ step: 1, files: { 'model.bin': Buffer.alloc(200_000, 1) } })
    const backend = await open('runs/a', permissionsOf('reader'))
    await using read = new CheckpointStore(backend)
    expect((await read.verify()).good).toBe(true)
    const denied = expect.objectContaining({ code: 'PERMISSION_DENIED' }) as Error
    await expect(backend.put('k', Buffer.from('x'))).rejects.toEqual(denied)
    await expect(backend.commit('k', Buffer.from('x'))).rejects.toEqual(denied)
    await expect(backend.delete(['holdfast.json'])).rejects.toEqual(denied)
  },
)

test('the lifecycle names only the path', () => {
  const lifecycle = documents.find(({ title }) => title.startsWith('Lifecycle'))
  expect(lifecycle?.text).toContain('"container/runs/a/"')
})
