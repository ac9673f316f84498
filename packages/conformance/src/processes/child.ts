/** A process that performs the tasks that its parent sends, one after another. It exits when the parent disconnects. */
import { type CheckpointBackend, HoldfastError } from '@holdfast/core/backend'
import { openPlace } from '../place.ts'
import type { Response, Request } from './other-process.ts'
import { pass, race } from './tasks.ts'

let backend: CheckpointBackend | undefined

async function perform(request: Request): Promise<unknown> {
  if (request.task === 'open') {
    backend = await openPlace(request.input)
    return null
  }
  if (backend === undefined)
    throw new HoldfastError('INVALID_ARGUMENT', 'No backend is open. Send the task "open" first.')
  return request.task === 'race' ? race(backend, request.input) : pass(backend, request.input)
}

async function respond(request: Request): Promise<Response> {
  try {
    return { result: await perform(request) }
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}

process.on('message', (request: Request) => {
  void respond(request).then((response) => process.send?.(response))
})
process.on('disconnect', () => {
  void Promise.resolve(backend?.close()).finally(() => process.exit())
})
