import { createHash } from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import workerThreads from 'node:worker_threads'
import { expect, onTestFinished, test, vi } from 'vitest'
import { defaultThreads } from '../../src/async/threads.ts'
import { ConcurrentHash } from '../../src/integrity/index.ts'
import { ThreadHash } from '../../src/integrity/thread-hash.ts'

const { Worker } = workerThreads

function replaceWorker(replacement: typeof Worker): void {
  workerThreads.Worker = replacement
  syncBuiltinESMExports()
}

/** Lets each start of a thread fail as on a machine that has reached its limit of threads, until the test ends. */
function refuseThreads(): void {
  replaceWorker(
    class extends Worker {
      constructor() {
        throw Object.assign(new Error('Worker initialization failure: EAGAIN'), {
          code: 'ERR_WORKER_INIT_FAILED',
        })
        super('', { eval: true })
      }
    },
  )
  onTestFinished(() => {
    replaceWorker(Worker)
  })
}

async function digestInSharedMemory(bytes: Uint8Array): Promise<string> {
  const chunk = new Uint8Array(new SharedArrayBuffer(bytes.byteLength))
  chunk.set(bytes)
  const hash = new ConcurrentHash('sha256')
  await hash.update(chunk)
  return hash.digest()
}

const bytes = Buffer.from('abc')
const digest = createHash('sha256').update(bytes).digest('hex')

test('warns once, and hashes on this thread, if the machine refuses another thread', async () => {
  const warned = vi.spyOn(process, 'emitWarning').mockReturnValue(undefined)
  onTestFinished(() => {
    warned.mockRestore()
  })
  refuseThreads()
  for (let round = 0; round < 2; round += 1) expect(await digestInSharedMemory(bytes)).toBe(digest)
  expect(await ThreadHash.begin('sha256')).toBeUndefined()
  expect(warned).toHaveBeenCalledOnce()
  expect(warned.mock.calls[0]?.[1]).toMatchObject({ code: 'HOLDFAST_NO_THREADS' })
})

test('hashes on a thread that is busy already if the machine refuses another one', async ({ skip }) => {
  if (defaultThreads() === 1) skip('on two processors there is one hashing thread')
  const busy = await ThreadHash.begin('sha256')
  onTestFinished(() => busy?.abandon())
  refuseThreads()
  const hash = await ThreadHash.begin('sha256')
  await hash?.update(bytes)
  expect(await hash?.digest()).toBe(digest)
})
