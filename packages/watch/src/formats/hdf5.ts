import type { Contents } from '../folder/contents.ts'

const signature = Buffer.from([0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a])
const undefinedAddress = 2n ** 64n - 1n

export function isHdf5(start: Uint8Array): boolean {
  return signature.equals(start.subarray(0, signature.byteLength))
}

/**
 * Returns the missing part of an HDF5 file. Returns `undefined` if the file reaches the end in its superblock, which
 * the library writes when it closes the file. Layout:
 * https://support.hdfgroup.org/documentation/hdf5/latest/_f_m_t3.html
 */
export async function missingOfHdf5(
  contents: Contents,
  file: string,
  size: number,
): Promise<string | undefined> {
  const superblock = Buffer.from(await contents.read(file, 0, 64))
  const end = endAddress(superblock)
  if (end === undefined || end === 0n || end === undefinedAddress) return 'the superblock of the HDF5 file'
  return BigInt(size) < end ? `all of the ${end} bytes that the HDF5 file announces` : undefined
}

function endAddress(superblock: Buffer): bigint | undefined {
  if (superblock.byteLength < 64) return undefined
  const version = superblock.readUInt8(8)
  const offsetBytes = superblock.readUInt8(version < 2 ? 13 : 9)
  if (offsetBytes !== 8) return undefined
  const at = version === 0 ? 40 : version === 1 ? 44 : 28
  return superblock.readBigUInt64LE(at)
}
