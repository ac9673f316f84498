import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** A proxy in front of a server that delays every request, in a process of its own. */
export interface DistantServer extends AsyncDisposable {
  /** The address for clients. */
  readonly url: string
  /** Returns the number of requests so far. */
  readonly requests: () => Promise<number>
}

/** `latency` is the delay of each request in milliseconds. */
export async function atDistance(origin: string, latency: number): Promise<DistantServer> {
  const program = fileURLToPath(new URL('../probes/proxy.ts', import.meta.url))
  const child = fork(program, [origin, String(latency)])
  const url = await answerOf(child)
  return {
    url: String(url),
    async requests() {
      const answer = answerOf(child)
      child.send('requests')
      return Number(await answer)
    },
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}

/** Returns the next message of a process. Rejects if the process ends first. */
async function answerOf(child: ChildProcess): Promise<unknown> {
  const answered = new AbortController()
  const { signal } = answered
  try {
    const ended = once(child, 'exit', { signal }).then(([code]) => {
      throw new Error(`The proxy ended with exit code ${String(code)}`)
    })
    const [answer] = (await Promise.race([once(child, 'message', { signal }), ended])) as readonly unknown[]
    return answer
  } finally {
    answered.abort() // removes the listeners
  }
}
