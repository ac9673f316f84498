import type { Target } from '../proxies/proxy-for.ts'

/** Milliseconds for which a target is remembered. */
const rememberedFor = 600_000

/** The targets that were added within the last ten minutes. */
export class RecentTargets {
  readonly #now: () => number
  /** The times at which targets are forgotten. */
  readonly #until = new Map<string, number>()

  /** `now` returns milliseconds that never go back. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  add(target: Target): void {
    this.#until.set(nameOf(target), this.#now() + rememberedFor)
  }

  has(target: Target): boolean {
    return (this.#until.get(nameOf(target)) ?? -Infinity) > this.#now()
  }
}

/** Returns a name that only this target has. */
export function nameOf({ protocol, host, port }: Target): string {
  return `${protocol}//${host}:${port}`
}
