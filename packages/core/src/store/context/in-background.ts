import { withLimit } from '../../pacing/index.ts'
import type { StoreContext } from './context.ts'

/** Returns the context with which a store works in the background. */
export function inBackground(context: StoreContext): StoreContext {
  return { ...context, transfers: withLimit(context.transfers, context.busyLimit) }
}
