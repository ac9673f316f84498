import { expect, test } from 'vitest'
import type { FreeSpace } from '../../src/backend.ts'
import { CheckpointStore, HoldfastError, MemoryBackend } from '../../src/index.ts'

class UnreachableBackend extends MemoryBackend {
  override list(): never {
    throw new HoldfastError('UNAVAILABLE', 'The store cannot be reached.', { url: this.url })
  }
}

test('the doctor tries nothing else on a store that cannot be reached', async () => {
  await using store = new CheckpointStore(new UnreachableBackend())
  expect(await store.doctor()).toEqual([
    expect.objectContaining({ check: 'read', verdict: 'bad', finding: 'The store cannot be reached.' }),
  ])
})

/** Lists nothing and writes nothing, since the credentials are missing. */
class LockedBackend extends MemoryBackend {
  override list(): never {
    throw withoutCredentials('Listing the store failed.')
  }

  override put(key: string): never {
    throw withoutCredentials(`The put of ${key} failed.`)
  }
}

function withoutCredentials(what: string): HoldfastError {
  const cause = new Error('Could not load credentials')
  return new HoldfastError('PERMISSION_DENIED', `${what} No credentials were found.`, { url: 'mem:', cause })
}

test('the doctor describes one lack of credentials once, and refers to it in the checks that it fails', async () => {
  await using store = new CheckpointStore(new LockedBackend())
  const found = await store.doctor()
  const again = 'failed for the same reason as the check "read"'
  expect(found.filter(({ finding }) => finding.includes('No credentials'))).toEqual([
    { check: 'read', verdict: 'bad', finding: 'Listing the store failed. No credentials were found.' },
  ])
  expect(found).toContainEqual({ check: 'write', verdict: 'bad', finding: again })
})

test.each([
  [{ available: 50, total: 100 }, 'good'],
  [{ available: 4, total: 100 }, 'warning'],
  [{ available: 0, total: 100 }, 'bad'],
  [{ available: 50, total: 100, files: { available: 0, total: 9 } }, 'bad'],
])('the doctor judges the free space %j as %s', async (free, verdict) => {
  const backend = Object.assign(new MemoryBackend(), {
    freeSpace: async (): Promise<FreeSpace> => ({ kind: 'measured', ...free }),
  })
  await using store = new CheckpointStore(backend)
  expect(await store.doctor()).toContainEqual(expect.objectContaining({ check: 'free space', verdict }))
})
