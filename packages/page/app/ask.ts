/** What a page got from its server by asking again and again. */
export interface Asked<Content> {
  readonly content?: Content
  /** Names the version of the content, so that an unchanged one is not sent again. */
  readonly version?: string
  /** Why the content may be old, in a sentence. */
  readonly fault?: string
}

/** An answer of the server that is an error. Its message is for people. */
export class Refused extends Error {}

const noAnswer = 'The server of this page does not answer. Start holdfast ui again.'

/** Asks the server once. Returns the same state if nothing has changed. */
export async function askAgain<Content>(
  path: string,
  token: string,
  before: Asked<Content>,
): Promise<Asked<Content>> {
  const { version } = before
  try {
    const headers = { ...secret(token), ...(version === undefined ? {} : { 'if-none-match': version }) }
    const response = await fetch(path, { headers, cache: 'no-store' })
    if (response.status === 304) return before.fault === undefined ? before : withoutFault(before)
    if (!response.ok) return failed(before, await response.text())
    const content = (await response.json()) as Content
    return { content, version: response.headers.get('etag') ?? '' }
  } catch {
    return failed(before, noAnswer)
  }
}

/** Asks for one thing once. Throws `Refused` with a sentence for people. */
export async function askFor<Content>(path: string, token: string, signal?: AbortSignal): Promise<Content> {
  return send(path, {
    headers: secret(token),
    cache: 'no-store',
    ...(signal === undefined ? {} : { signal }),
  })
}

/** Sends a change. Throws `Refused` with a sentence for people. */
export async function post<Content>(
  path: string,
  token: string,
  body: unknown,
  signal?: AbortSignal,
): Promise<Content> {
  return send(path, {
    method: 'POST',
    headers: { ...secret(token), 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(signal === undefined ? {} : { signal }),
  })
}

async function send<Content>(path: string, init: RequestInit): Promise<Content> {
  let refusal: string
  try {
    const response = await fetch(path, init)
    if (response.ok) return (await response.json()) as Content
    refusal = await response.text()
  } catch (error) {
    throw new Refused(noAnswer, { cause: error })
  }
  throw new Refused(refusal)
}

function secret(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}` }
}

function failed<Content>(state: Asked<Content>, fault: string): Asked<Content> {
  return state.fault === fault ? state : { ...state, fault }
}

function withoutFault<Content>({ fault: _, ...others }: Asked<Content>): Asked<Content> {
  return others
}
