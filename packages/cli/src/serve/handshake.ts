import { HoldfastError } from '@holdfast/core'
import { ownMember } from '../own-member.ts'
import { watchClient } from './client-process.ts'
import { methodNotFound } from './errors.ts'
import { type Method, method, methods } from './methods.ts'
import { parameters } from './parameters.ts'

/** The version of the protocol. It grows with every change that an older client or helper would misunderstand. */
export const protocolVersion = 1

/** Lets a client call methods once it has called `initialize`, and watches the process that it names. */
export class Handshake implements Disposable {
  readonly #initialize: Method
  #isInitialized = false
  #watch: Disposable | undefined

  /** `onGone` is called once the process of the client has ended. */
  constructor(version: string, parentOf: () => number, onGone: () => void) {
    this.#initialize = method(parameters.initialize, async ({ protocol, process }) => {
      if (protocol !== protocolVersion) throw unsupported(protocol, version)
      if (process !== undefined) {
        this.#watch?.[Symbol.dispose]()
        this.#watch = watchClient(process, parentOf, onGone)
        if (parentOf() !== process) throw notTheParent(process, parentOf())
      }
      this.#isInitialized = true
      return { protocol: protocolVersion, version, methods: Object.keys(methods) }
    })
  }

  /** Throws an error for the client if there is no such method, or if it may not be called yet. */
  methodOf(name: string): Method {
    if (name === 'initialize') return this.#initialize
    const found = ownMember(methods, name)
    if (found === undefined) throw methodNotFound(name, ['initialize', ...Object.keys(methods)])
    if (!this.#isInitialized) throw new HoldfastError('INVALID_ARGUMENT', 'Call initialize first.')
    return found
  }

  /** Ends the watch of the process. */
  [Symbol.dispose](): void {
    this.#watch?.[Symbol.dispose]()
  }
}

function notTheParent(process: number, parent: number): HoldfastError {
  return new HoldfastError(
    'INVALID_ARGUMENT',
    `Process ${process} is not the parent of the helper, which process ${parent} has started. The helper ends. Start it without another program in between, or leave out process.`,
  )
}

function unsupported(protocol: number, version: string): HoldfastError {
  return new HoldfastError(
    'UNSUPPORTED',
    `Version ${version} of Holdfast serves protocol ${protocolVersion}, not ${protocol}. Install the same version of the client and of Holdfast.`,
  )
}
