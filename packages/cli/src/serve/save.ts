import { type FileContent, HoldfastError, type SaveResult } from '@holdfast/core'
import type * as v from 'valibot'
import type { Call } from './session.ts'
import type { parameters } from './parameters.ts'
import { reporting } from './progress.ts'

/** Saves files of this machine and streams of the client. A stream that the client aborts fails the save. */
export async function saveFromClient(
  { store: number, files, progress, background, ...given }: v.InferOutput<typeof parameters.save>,
  { session, signal }: Call,
): Promise<SaveResult | undefined> {
  const store = session.storeOf(number)
  const sent = isList(files) ? [] : Object.entries(files)
  const numbers = sent.flatMap(([name, content]) =>
    'stream' in content ? [[name, content.stream] as const] : [],
  )
  const uploads = session.streams.openUploads(numbers)
  const contents = sent.flatMap(([name, content]): readonly (readonly [string, FileContent])[] => {
    if ('path' in content) return [[name, content.path]]
    const stream = uploads.get(name)
    return stream === undefined ? [] : [[name, { stream, size: content.size }]]
  })
  const stop = (): void => {
    for (const upload of uploads.values())
      upload.fail(new HoldfastError('ABORTED', 'The client cancelled the save.'))
  }
  signal.addEventListener('abort', stop)
  try {
    const request = {
      ...given,
      files: isList(files) ? files : Object.fromEntries(contents),
      signal,
      onProgress: reporting(session, progress),
    }
    return await (background === true ? session.saveInBackground(number, request) : store.save(request))
  } finally {
    signal.removeEventListener('abort', stop)
    session.streams.closeUploads(numbers)
  }
}

function isList(files: v.InferOutput<typeof parameters.save>['files']): files is string[] {
  return Array.isArray(files)
}
