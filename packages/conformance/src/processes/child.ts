/** The other process: does the tasks that it is sent, one after the other, and ends when nobody can send any more. */
import { type CheckpointBackend, HoldfastError } from '@holdfast/core/backend'
import { openPlace } from '../place.ts'
import type { Answer, Request } from './other-process.ts'
import { pass, race } from './tasks.ts'

let backend: CheckpointBackend | undefined

async function perform(request: Request): Promise<unknown> {
  if (request.task === 'open') {
    backend = await openPlace(request.asked)
    return null
  }
  if (backend === undefined) throw new HoldfastError('INVALID_ARGUMENT', 'No backend is open.')
  return request.task === 'race' ? race(backend, request.asked) : pass(backend, request.asked)
}

async function answer(request: Request): Promise<Answer> {
  try {
    return { done: await perform(request) }
  } catch (error) {
    return { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

process.on('message', (request: Request) => {
  void answer(request).then((answered) => process.send?.(answered))
})
process.on('disconnect', () => {
  void Promise.resolve(backend?.close()).finally(() => process.exit())
})
