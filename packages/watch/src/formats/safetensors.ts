import type { Contents } from '../folder/contents.ts'
import { isRecord } from './json.ts'

/** The limit of the format: https://github.com/huggingface/safetensors#format */
const maxHeaderBytes = 100_000_000

export interface SafetensorsHeader {
  /** The size of the whole file in bytes, by its header. */
  readonly size: number
  /** The strings of `__metadata__` by name. */
  readonly metadata: Readonly<Record<string, unknown>>
}

/** Returns `undefined` if the file has no header or an incomplete one. */
export async function safetensorsHeader(
  contents: Contents,
  file: string,
): Promise<SafetensorsHeader | undefined> {
  const prefix = await contents.read(file, 0, 8)
  if (prefix.byteLength < 8) return undefined
  const headerBytes = Number(new DataView(prefix.buffer, prefix.byteOffset, 8).getBigUint64(0, true))
  if (headerBytes < 2 || headerBytes > maxHeaderBytes) return undefined
  const text = Buffer.from(await contents.read(file, 8, headerBytes))
  if (text.byteLength < headerBytes) return undefined
  const header = parsed(text.toString('utf8'))
  if (!isRecord(header)) return undefined
  const { __metadata__: metadata, ...tensors } = header
  const ends = Object.values(tensors).map(endOf)
  if (!ends.every((end) => end !== undefined)) return undefined
  const dataBytes = ends.reduce((most, end) => Math.max(most, end), 0)
  return { size: 8 + headerBytes + dataBytes, metadata: isRecord(metadata) ? metadata : {} }
}

/** Returns the missing part of a safetensors file; `undefined` if the file has the size in its header. */
export async function missingOfSafetensors(
  contents: Contents,
  file: string,
  size: number,
): Promise<string | undefined> {
  const header = await safetensorsHeader(contents, file)
  if (header === undefined) return 'the header of the safetensors file'
  if (header.size === size) return undefined
  return `all of the ${header.size} bytes that the header announces`
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

function endOf(tensor: unknown): number | undefined {
  if (!isRecord(tensor) || !Array.isArray(tensor['data_offsets'])) return undefined
  const end: unknown = tensor['data_offsets'][1]
  return typeof end === 'number' && Number.isSafeInteger(end) && end >= 0 ? end : undefined
}
