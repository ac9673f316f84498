import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/**
 * An adapter that stores `toy://a/b` in the folder `a/b` of the working folder. `failing` has methods that fail in their own way.
 * Each receives the backend of the folder.
 */
function adapterWith(failing: string): string {
  return `
import { HoldfastError, openBackend } from '${import.meta.resolve('@holdfast/core/backend')}'

const failing = ${failing}

export const adapter = {
  schemes: ['toy'],
  open: async (url) => {
    const backend = await openBackend(new URL('./' + url.host + url.pathname, 'file://' + process.cwd() + '/'))
    return new Proxy(backend, {
      get: (target, name) => {
        if (name === 'url') return url.protocol + '//' + url.host + url.pathname
        if (Object.hasOwn(failing, name)) return (...parameters) => failing[name](target, ...parameters)
        const member = Reflect.get(target, name, target)
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
  },
}`
}

/** Writes an adapter into a folder, and returns the value of `--adapter` for commands in that folder. */
async function plant(folder: string, failing: string): Promise<string> {
  await writeFile(join(folder, 'failing.mjs'), adapterWith(failing))
  return './failing.mjs'
}

/** An adapter for stores whose URL alone does not locate them, because it lacks the parameters of the location. */
export async function plantAdapter(folder: string): Promise<string> {
  return plant(folder, '{}')
}

/** An adapter that deletes no object of a checkpoint. */
export async function plantAdapterThatDeletesNothing(folder: string): Promise<string> {
  return plant(
    folder,
    `{
      delete: async (backend, keys, options) => {
        if (!keys.some((key) => key.startsWith('data/'))) return backend.delete(keys, options)
        const error = new HoldfastError('PERMISSION_DENIED', 'The bucket allows no deletion.')
        return { deleted: [], failed: keys.map((key) => ({ key, error })) }
      },
    }`,
  )
}

/** An adapter that fails to put objects of the checkpoints whose attempts begin with a prefix, such as `2-`. */
export async function plantAdapterThatFailsToPut(
  folder: string,
  code: string,
  attempts = '',
): Promise<string> {
  return plant(
    folder,
    `{
      put: async (backend, key, ...others) => {
        if (!key.startsWith('data/${attempts}')) return backend.put(key, ...others)
        throw new HoldfastError('${code}', 'The bucket takes nothing.', { retryable: false })
      },
    }`,
  )
}

/** An adapter whose lists fail after a commit and the look back that every commit makes. */
export async function plantAdapterThatFailsAfterACommit(folder: string): Promise<string> {
  return plant(
    folder,
    `{
      commit: async (backend, ...parameters) => {
        failing.listsLeft = 1
        return backend.commit(...parameters)
      },
      list: (backend, ...parameters) => {
        failing.listsLeft -= 1
        if (failing.listsLeft < 0) throw new HoldfastError('UNAVAILABLE', 'The bucket does not answer.')
        return backend.list(...parameters)
      },
      listsLeft: Infinity,
    }`,
  )
}

/** An adapter whose reads never end by themselves, as those of a server that accepts connections and is silent. */
export async function plantSilentAdapter(folder: string): Promise<string> {
  return plant(
    folder,
    `{
      read: (_backend, key, { signal } = {}) => new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(new HoldfastError('ABORTED', 'The read was stopped.', { key })))
      }),
    }`,
  )
}
