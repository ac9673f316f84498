import { createHash } from 'node:crypto'
import { type ErrorCode, type HoldfastError, isHoldfastError } from '@holdfast/core'
import type { ChangePlan, RunChange, RunSource, RunsSource } from '../source.ts'
import { parseChange } from './parse-change.ts'
import { type Answer, json, plain } from './response.ts'

/** What a server shows: one run, or all runs below a prefix. */
export type Shown = { readonly run: RunSource } | { readonly runs: RunsSource }

/** A request that came from the page itself and has the token. */
export interface PageRequest {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly parameters: URLSearchParams
  /** The version that the page has. */
  readonly known: string | undefined
  readonly body: string
}

const nowhere = plain(404, 'There is no such page.')

/** Answers a request of the page. `phrase` returns what a person reads of an error. Never rejects. */
export async function answer(
  shown: Shown,
  request: PageRequest,
  phrase: (error: HoldfastError) => string,
): Promise<Answer> {
  try {
    return await route(shown, request)
  } catch (error) {
    if (!isHoldfastError(error)) return plain(503, 'The store could not be read.')
    return plain(statusOf(error.code), phrase(error))
  }
}

async function route(shown: Shown, request: PageRequest): Promise<Answer> {
  const { method, path, parameters } = request
  if (path === '/runs')
    return 'runs' in shown && method === 'GET' ? versioned(await shown.runs.list(), request) : nowhere
  const name = parameters.get('run')
  if ('run' in shown !== (name === null)) return nowhere
  const run = 'run' in shown ? shown.run : await shown.runs.open(name ?? '')
  if (method === 'POST') return changing(run, path, request.body)
  const [step, other] = [stepIn(parameters, 'step'), stepIn(parameters, 'with')]
  if (path === '/run') return versioned(await run.read(), request)
  if (step === undefined) return nowhere
  if (path === '/checkpoint') return json(await run.checkpoint(step))
  if (path === '/tensors') return json(await run.tensors(step))
  return path === '/difference' && other !== undefined ? json(await run.difference(step, other)) : nowhere
}

/** Sends a page that the browser has already without its content. */
function versioned(page: { readonly readAt: number }, { known }: PageRequest): Answer {
  const { readAt: _, ...content } = page
  const etag = `"${createHash('sha256').update(JSON.stringify(content)).digest('base64url')}"`
  if (known === etag) return { status: 304, type: 'application/json', body: '', headers: { etag } }
  return json(page, { etag })
}

/**
 * Plans a change, or makes it if the plan is still the one that a person confirmed. Another writer may change the store between
 * the last look and the change. The rules of the store hold then, too.
 */
async function changing({ changes }: RunSource, path: string, body: string): Promise<Answer> {
  if (changes === undefined) return plain(405, 'This server only reads.')
  const parsed = parseChange(body)
  if (parsed === undefined) return plain(400, 'This is not a change.')
  const { change, confirmed } = parsed
  const plan = await changes.plan(change)
  const digest = digestOf(change, plan)
  if (path === '/plan') return json({ plan, digest })
  if (path !== '/change') return nowhere
  if (confirmed !== digest)
    return plain(409, 'The store has changed since. Look at the change again, and confirm it.')
  await changes.make(change)
  return json({ plan })
}

/** `undoUntil` moves with the clock, so the digest only contains whether it is set. */
function digestOf(change: RunChange, { undoUntil, ...plan }: ChangePlan): string {
  return createHash('sha256')
    .update(JSON.stringify([change, plan, undoUntil !== undefined]))
    .digest('base64url')
}

function statusOf(code: ErrorCode): number {
  if (code === 'NOT_FOUND') return 404
  return code === 'INVALID_ARGUMENT' ? 409 : 503
}

function stepIn(parameters: URLSearchParams, name: string): number | undefined {
  const text = parameters.get(name) ?? ''
  const step = Number(text)
  return /^\d+$/.test(text) && Number.isSafeInteger(step) ? step : undefined
}
