/** Bytes that differ from place to place, the same each time. */
export function patterned(size: number): Uint8Array {
  return Uint8Array.from({ length: size }, (_, index) => (index * 2_654_435_761) >>> 24)
}
