import { defaultThreads, mayStartThreads } from '../../async/threads.ts'
import { authoritiesOf } from '../connections/authorities.ts'
import type { Variables } from '../connections/proxy-for.ts'
import { DirectConnections, mayReceiveDirectly } from './direct-connections.ts'
import type { Receiver } from './receiver.ts'
import { ThreadedConnections } from './threads/threaded-connections.ts'

/** How an open store receives large bodies: on this thread, or on several others. */
export class Reception {
  /** The number of threads that receive. With 1, this thread receives, and no other one is started. */
  readonly threads: number
  readonly #here: Receiver
  readonly #inThreads: Receiver

  /** `variables` is the environment, whose proxies and authorities apply. Throws `CONFIG` as `agentsOf` does. */
  constructor(variables: Variables, threads = defaultThreads()) {
    const authorities = authoritiesOf(variables)
    this.threads = mayReceiveDirectly && mayStartThreads() ? threads : 1
    this.#here = new DirectConnections(variables, authorities)
    this.#inThreads =
      this.threads === 1
        ? this.#here
        : new ThreadedConnections(this.threads, { variables: { ...variables }, authorities }, this.#here)
  }

  /**
   * Returns the receiver for a request. `inThread` states that another thread may receive the body, which is then read into
   * shared memory.
   */
  receiver(inThread = false): Receiver {
    return inThread ? this.#inThreads : this.#here
  }

  /** Ends all connections and threads. */
  destroy(): void {
    this.#here.destroy()
    this.#inThreads.destroy()
  }
}
