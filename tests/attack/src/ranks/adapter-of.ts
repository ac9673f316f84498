import type { BackendAdapter } from '@holdfast/core'

/** Loads the adapter of a URL alone. The SDKs of the others would take longer to load than a process lives. */
export async function adapterOf(url: string): Promise<BackendAdapter> {
  if (url.startsWith('s3:')) return (await import('@holdfast/adapter-s3')).adapter
  if (url.startsWith('gs:')) return (await import('@holdfast/adapter-gcs')).adapter
  if (url.startsWith('az:')) return (await import('@holdfast/adapter-azure')).adapter
  return (await import('@holdfast/adapter-fs')).adapter
}
