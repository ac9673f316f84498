import { expect, test } from 'vitest'
import { DurableWriter } from '../../src/local-files/durable-writer.ts'

type Handle = ConstructorParameters<typeof DurableWriter>[0]

const chunk = new Uint8Array(2 ** 20)

/** A handle that records its calls. */
function recorded(calls: string[], failing?: string): Handle {
  const call = async (name: string): Promise<void> => {
    calls.push(name)
    if (name === failing) throw new Error(`${name} failed`)
  }
  return {
    write: (async (_: Uint8Array, offset: number, length: number, position: number) => {
      await call(`write ${position + offset}`)
      return { bytesWritten: Math.min(length, 700_000), buffer: chunk }
    }) as unknown as Handle['write'],
    datasync: () => call('datasync'),
    sync: () => call('sync'),
  }
}

async function writeChunks(writer: DurableWriter, count: number): Promise<void> {
  try {
    for (let written = 0; written < count; written += 1) await writer.write(chunk)
    await writer.finish()
  } finally {
    await writer.settle()
  }
}

test('writes every byte and then makes it durable', async () => {
  const calls: string[] = []
  let told = 0
  await writeChunks(new DurableWriter(recorded(calls), (written) => (told = written)), 3)
  expect(calls.at(-1)).toBe('sync')
  expect(calls.filter((call) => call.startsWith('write'))).toHaveLength(6)
  expect(told).toBe(3 * chunk.byteLength)
})

test('sends most bytes to the disk before the end', async () => {
  const calls: string[] = []
  await writeChunks(new DurableWriter(recorded(calls)), 100)
  expect(calls.filter((call) => call === 'datasync').length).toBeGreaterThan(1)
  expect(calls.at(-1)).toBe('sync')
})

test.each(['datasync', 'sync', 'write 0'])('a %s that fails is never taken for durable', async (failing) => {
  await expect(writeChunks(new DurableWriter(recorded([], failing)), 70)).rejects.toThrow(`${failing} failed`)
})
