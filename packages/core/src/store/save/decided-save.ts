import type { StoreContext } from '../context/context.ts'
import type { SaveRequest } from './request.ts'

/** A request that has what the caller left out: the options of the store, and the defaults. */
export interface DecidedSave extends SaveRequest {
  readonly onExisting: 'fail' | 'replace'
  readonly packs: StoreContext['packs']
  readonly unchanged: StoreContext['unchanged']
}

/** Returns the request with the options of the store for what the caller left out. */
export function decideSave(
  request: SaveRequest,
  { packs, unchanged }: Pick<StoreContext, 'packs' | 'unchanged'>,
): DecidedSave {
  return {
    ...request,
    onExisting: request.onExisting ?? 'fail',
    packs: request.packs ?? packs,
    unchanged: request.unchanged ?? unchanged,
  }
}
