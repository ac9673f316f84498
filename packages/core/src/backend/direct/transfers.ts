import { defaultThreads, mayStartThreads } from '../../async/threads.ts'
import { authoritiesOf } from '../proxies/authorities.ts'
import type { Variables } from '../proxies/proxy-for.ts'
import { DirectConnections, mayReceiveDirectly } from './direct-connections.ts'
import type { Receiver } from './receiver.ts'
import type { Sender } from './sender.ts'
import { ThreadedConnections } from './threads/threaded-connections.ts'
import { Uploads } from './uploads.ts'

/** How an open store transfers large bodies: on this thread, or on several others. */
export class DirectTransfers {
  /** The number of threads that transfer. With 1, this thread does, and no other one is started. */
  readonly threads: number
  readonly #here: Receiver
  readonly #inThreads: (Receiver & Sender) | undefined

  /** `variables` is the environment, whose proxies and authorities apply. Throws `CONFIG` as `agentsOf` does. */
  constructor(variables: Variables, threads = defaultThreads()) {
    const authorities = authoritiesOf(variables)
    this.threads = mayReceiveDirectly && mayStartThreads() ? threads : 1
    this.#here = new DirectConnections(variables, authorities)
    const here = { receiver: this.#here, sender: new Uploads(variables, authorities) }
    const settings = { variables: { ...variables }, authorities }
    this.#inThreads = this.threads === 1 ? undefined : new ThreadedConnections(this.threads, settings, here)
  }

  /** The sender of requests whose bodies are in shared memory. `undefined` with one thread: the SDK sends them. */
  get sender(): Sender | undefined {
    return this.#inThreads
  }

  /**
   * Returns the receiver for a request. `inThread` states that another thread may receive the body, which is then read into
   * shared memory.
   */
  receiver(inThread = false): Receiver {
    return (inThread ? this.#inThreads : undefined) ?? this.#here
  }

  /** Ends all connections and threads. */
  destroy(): void {
    this.#here.destroy()
    this.#inThreads?.destroy()
  }
}
