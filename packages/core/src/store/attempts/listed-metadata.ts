import { stringifyJson } from '../../input/json.ts'

/** The largest metadata in bytes of JSON that the catalog contains. Every version of the catalog repeats the latest lines. */
const mostListedBytes = 512

/** Returns metadata as the catalog lists it; `undefined` if it is too large, so that only the manifest has it. */
export function listedMetadata(metadata: unknown): { readonly value?: unknown } | undefined {
  if (metadata === undefined) return {}
  return Buffer.byteLength(stringifyJson(metadata)) <= mostListedBytes ? { value: metadata } : undefined
}
