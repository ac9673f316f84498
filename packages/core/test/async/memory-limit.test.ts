import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryLimit } from '../../src/async/memory-limit.ts'

const mebibyte = 2 ** 20

/** Runs transfers of these sizes in MiB that end one after the other, and returns which ran together after each begin. */
async function ranTogether(
  mostPerTransfer: number,
  sizes: readonly (number | undefined)[],
): Promise<readonly (readonly number[])[]> {
  const memory = new MemoryLimit(mostPerTransfer * mebibyte)
  const running = new Set<number>()
  const seen: number[][] = []
  const endings: (() => void)[] = []
  const all = sizes.map((size, index) =>
    memory.run(size === undefined ? undefined : size * mebibyte, async () => {
      running.add(index)
      seen.push([...running])
      await new Promise<void>((end) => endings.push(end))
      running.delete(index)
    }),
  )
  while (running.size > 0) {
    endings.shift()?.()
    for (let turn = 0; turn < 10; turn += 1) await Promise.resolve()
  }
  await Promise.all(all)
  return seen
}

test('runs one large transfer at a time if it may hold most of the memory', async () => {
  expect(await ranTogether(48, [1000, 1000, undefined])).toEqual([[0], [1], [2]])
})

test('runs transfers together that fit into 64 MiB, in the order of the calls', async () => {
  expect(await ranTogether(48, [16, 48, 1])).toEqual([[0], [0, 1], [1, 2]])
  expect(
    await ranTogether(
      3,
      Array.from({ length: 4 }, () => 1000),
    ),
  ).toContainEqual([0, 1, 2, 3])
})

test('runs a transfer that may hold more than 64 MiB alone', async () => {
  expect(await ranTogether(128, [1000, 1000, 100])).toEqual([[0], [1], [2]])
})

test('never exceeds the limit, and runs every transfer, whatever the sizes are', async () => {
  const size = fc.option(fc.integer({ min: 0, max: 200 }), { nil: undefined })
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 150 }),
      fc.array(size, { maxLength: 12 }),
      async (most, sizes) => {
        const seen = await ranTogether(most, sizes)
        expect(new Set(seen.flat()).size).toBe(sizes.length)
        for (const together of seen) {
          const held = together.reduce((sum, index) => sum + Math.min(sizes[index] ?? Infinity, most), 0)
          expect(held).toBeLessThanOrEqual(Math.max(64, most))
        }
      },
    ),
  )
})

test('goes on after a transfer that fails', async () => {
  const memory = new MemoryLimit(64 * mebibyte)
  const failing = memory.run(undefined, () => Promise.reject(new Error('broken')))
  const next = memory.run(undefined, async () => 'stored')
  await expect(failing).rejects.toThrow('broken')
  expect(await next).toBe('stored')
})
