import { type ChildProcess, fork } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Certificates } from '@holdfast/test-servers'

/** A server of one object in processes of their own, which costs as little as a server can. It takes and forgets uploads. */
export interface CheapServer extends AsyncDisposable {
  readonly url: string
}

const blockBytes = 8 * 2 ** 20

/** Returns the bytes that the server repeats. */
export function cheapBlock(): Buffer {
  return Buffer.alloc(blockBytes, createHash('sha512').update('holdfast').digest())
}

/** Returns the SHA-256 of an object of this size. */
export function cheapDigest(size: number): string {
  const hash = createHash('sha256')
  const block = cheapBlock()
  for (let left = size; left > 0; left -= block.byteLength) hash.update(block.subarray(0, left))
  return hash.digest('hex')
}

/**
 * Starts the server. `rate` is the most bytes per millisecond of a connection; 0 is no limit. With `certificates`, it uses
 * TLS.
 */
export async function startCheapServer(
  size: number,
  rate = 0,
  certificates?: Certificates,
): Promise<CheapServer> {
  const program = fileURLToPath(new URL('../probes/cheap-server.ts', import.meta.url))
  const processes = Math.max(1, Math.floor(availableParallelism() / 2))
  const files = certificates === undefined ? [] : [certificates.chain, certificates.key]
  const child = fork(program, [...[size, processes, rate].map(String), ...files])
  const [url] = (await Promise.race([once(child, 'message'), failure(child)])) as readonly unknown[]
  return {
    url: String(url),
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}

async function failure(child: ChildProcess): Promise<never> {
  const [code] = (await once(child, 'exit')) as readonly unknown[]
  throw new Error(`The server ended with exit code ${String(code)}`)
}
