/** What a page shows, as the fragment of its address names it. */
export interface Place {
  /** The secret of the server. */
  readonly token: string
  /** The name of a run below the prefix. */
  readonly run?: string | undefined
  /** The step of a checkpoint. */
  readonly checkpoint?: number | undefined
  /** The step of the checkpoint with which it is compared. */
  readonly other?: number | undefined
}

/** Reads the fragment of an address. Parts that make no sense are ignored. */
export function placeOf(fragment: string): Place {
  const [token = '', query = ''] = fragment.replace(/^#/, '').split('?', 2)
  const parameters = new URLSearchParams(query)
  const run = parameters.get('run')
  const checkpoint = stepOf(parameters.get('checkpoint'))
  const other = stepOf(parameters.get('with'))
  return {
    token,
    ...(run === null ? {} : { run }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(other === undefined ? {} : { other }),
  }
}

/** The reverse of `placeOf`. */
export function fragmentOf({ token, run, checkpoint, other }: Place): string {
  const parameters = new URLSearchParams([
    ...(run === undefined ? [] : [['run', run]]),
    ...(checkpoint === undefined ? [] : [['checkpoint', String(checkpoint)]]),
    ...(other === undefined ? [] : [['with', String(other)]]),
  ])
  return `#${token}${parameters.size === 0 ? '' : `?${parameters.toString()}`}`
}

/** The path of a request to the server about a place. */
export function pathOf(what: string, { run, checkpoint, other }: Omit<Place, 'token'>): string {
  const parameters = new URLSearchParams([
    ...(run === undefined ? [] : [['run', run]]),
    ...(checkpoint === undefined ? [] : [['step', String(checkpoint)]]),
    ...(other === undefined ? [] : [['with', String(other)]]),
  ])
  return `/${what}${parameters.size === 0 ? '' : `?${parameters.toString()}`}`
}

function stepOf(text: string | null): number | undefined {
  const step = Number(text)
  return text !== null && /^\d+$/.test(text) && Number.isSafeInteger(step) ? step : undefined
}
