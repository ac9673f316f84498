import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { availableParallelism, homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { messageOf, run } from '../harness/command.ts'
import type { Job } from './job.ts'

/** The number of rows of the matrices. A product takes a few milliseconds. */
const size = 512

/** The virtual environment that `pnpm test:python` makes. */
const environment = join(homedir(), '.cache', 'holdfast', 'python-tests')
const python = process.env['HOLDFAST_PYTHON'] ?? join(environment, 'bin', 'python')

/** Starts a process that multiplies matrices with PyTorch on every core. */
export async function startTorch(): Promise<Job | { readonly why: string }> {
  try {
    await run(python, ['-c', 'import torch'])
  } catch (error) {
    return { why: `no Python with PyTorch, which \`pnpm test:python\` installs (${messageOf(error)})` }
  }
  const program = fileURLToPath(new URL('../probes/torch-loop.py', import.meta.url))
  const child = spawn(python, [program, String(availableParallelism()), String(size)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.on('error', () => undefined) // the end of the output states that the job ended
  const ended = once(child, 'close')
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const steps = async (): Promise<number> => {
    child.stdin.write('\n')
    const { done, value } = await answers.next()
    if (done === true) throw new Error('The job with PyTorch ended')
    return Number(value)
  }
  const job: Job = {
    steps,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end()
      await ended
    },
  }
  await steps() // it has begun
  return job
}
