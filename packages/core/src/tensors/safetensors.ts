import { safetensorsBytes } from './number-formats.ts'

/** A tensor of a safetensors file. */
export interface SafetensorsEntry {
  readonly name: string
  /** The name of its format, such as `F32`. */
  readonly dtype: string
  readonly shape: readonly number[]
  /** The first byte of its data, counted from the end of the header. */
  readonly begin: number
  /** The byte after its data. */
  readonly end: number
}

/** The bytes before the header: its length as a little-endian 64-bit number. */
export const lengthBytes = 8

/** The largest header that the format allows: https://github.com/huggingface/safetensors#format. */
export const maxHeaderBytes = 100_000_000

/**
 * Returns the length of the header in bytes; `undefined` if a file with these first bytes is not a safetensors file.
 * `start` must have at least nine bytes.
 */
export function headerLength(start: Uint8Array): number | undefined {
  const view = new DataView(start.buffer, start.byteOffset, start.byteLength)
  const length = view.getBigUint64(0, true)
  if (start[lengthBytes] !== '{'.charCodeAt(0)) return undefined
  return length <= maxHeaderBytes ? Number(length) : undefined
}

/** Returns the tensors that a header describes, in the order of their data, or the fault of the header. */
export function parseHeader(header: Uint8Array): readonly SafetensorsEntry[] | { readonly fault: string } {
  const described = parsed(header)
  if (described === undefined) return { fault: 'its header is not a JSON object' }
  const entries: SafetensorsEntry[] = []
  for (const [name, description] of Object.entries(described)) {
    if (name === '__metadata__') continue
    const entry = entryOf(name, description)
    if (typeof entry === 'string')
      return { fault: `its header describes the tensor ${JSON.stringify(name)} wrongly: ${entry}` }
    entries.push(entry)
  }
  entries.sort((one, other) => one.begin - other.begin || one.end - other.end)
  const gap = entries.find(({ begin }, index) => begin !== (entries[index - 1]?.end ?? 0))
  if (gap !== undefined)
    return { fault: `the data of the tensor ${JSON.stringify(gap.name)} does not follow the data before it` }
  return entries
}

function parsed(header: Uint8Array): object | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(header))
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

/** Returns the entry, or the fault of its description. */
function entryOf(name: string, description: unknown): SafetensorsEntry | string {
  if (typeof description !== 'object' || description === null) return 'it is not an object'
  const { dtype, shape, data_offsets: offsets } = description as Record<string, unknown>
  if (typeof dtype !== 'string') return 'it has no dtype'
  if (!Array.isArray(shape) || !shape.every(isCount)) return 'its shape is not a list of sizes'
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    return 'it does not have two offsets'
  const [begin = 0, end = 0] = offsets
  if (begin > end) return 'it ends before it begins'
  const elements = shape.reduce((product, size) => product * size, 1)
  const bytes = safetensorsBytes.get(dtype)
  if (bytes !== undefined && elements * bytes !== end - begin)
    return `its shape requires ${elements * bytes} bytes, but its offsets span ${end - begin}`
  return { name, dtype, shape, begin, end }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && typeof value === 'number' && value >= 0
}
