/**
 * Runs a writer in its own process: `writer.ts ROOT MODE FIRST COUNT`. Saves COUNT steps in sequence. Prints `saved N`
 * after each step, and at the end `done` or the code of the error. With the MODE `exclusive`, waits for a line on
 * standard input after each save.
 */
import { createInterface } from 'node:readline'
import { HoldfastError, openStore } from '@holdfast/core'

const [, , root = '', mode = 'shared', first = '0', count = '1'] = process.argv
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
try {
  const store = await openStore(root, { mode: mode === 'exclusive' ? 'exclusive' : 'shared' })
  for (let step = Number(first); step < Number(first) + Number(count); step += 1) {
    await store.save({ step, files: { 'model.bin': Buffer.alloc(10_000, String(step)) } })
    process.stdout.write(`saved ${step}\n`)
    if (mode === 'exclusive') await lines.next()
  }
  process.stdout.write('done\n')
} catch (error) {
  process.stdout.write(`${error instanceof HoldfastError ? error.code : String(error)}\n`)
}
process.stdin.destroy()
