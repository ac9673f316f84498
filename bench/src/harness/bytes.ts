import { createHash, randomFillSync } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A file with its expected size and SHA-256. */
export interface Sample {
  readonly path: string
  readonly size: number
  readonly sha256: string
}

/** Writes a file of random bytes. */
export async function writeSample(path: string, size: number): Promise<Sample> {
  return writeChunks(path, randomChunks(size))
}

/** Writes a safetensors file with one tensor of `size` bytes. All of its numbers are finite. */
export async function writeTensors(path: string, size: number): Promise<Sample> {
  const tensor = { dtype: 'F32', shape: [size / 4], data_offsets: [0, size] }
  const json = JSON.stringify({ weights: tensor })
  // As its library does, so that tensors begin on a boundary of 8 bytes: https://github.com/huggingface/safetensors#format
  const header = Buffer.from(json.padEnd(Math.ceil(json.length / 8) * 8))
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.byteLength))
  const chunks = function* (): Generator<Uint8Array> {
    yield* [length, header]
    for (const chunk of randomChunks(size)) yield chunk.map((byte) => byte & 0x3f) // clears bits of every exponent
  }
  return writeChunks(path, chunks())
}

function* randomChunks(size: number): Generator<Uint8Array> {
  const chunkBytes = 2 ** 22
  for (let start = 0; start < size; start += chunkBytes) yield randomBytes(Math.min(chunkBytes, size - start))
}

async function writeChunks(path: string, chunks: Iterable<Uint8Array>): Promise<Sample> {
  const hash = createHash('sha256')
  let size = 0
  await using handle = await open(path, 'w')
  for (const chunk of chunks) {
    hash.update(chunk)
    await handle.writeFile(chunk)
    size += chunk.byteLength
  }
  await handle.sync()
  return { path, size, sha256: hash.digest('hex') }
}

export function randomBytes(size: number): Uint8Array {
  return randomFillSync(Buffer.allocUnsafeSlow(size))
}

/** Writes a folder of files with different random bytes. `size` is the size of each in bytes. */
export async function writeFolder(folder: string, files: number, size: number): Promise<string> {
  await mkdir(folder, { recursive: true })
  for (let index = 0; index < files; index += 1) {
    await writeFile(join(folder, `${String(index).padStart(6, '0')}.bin`), randomBytes(size))
  }
  return folder
}

/** Syncs a file that another program wrote, so that it is as durable as the files it is compared with. */
export async function syncFile(path: string): Promise<void> {
  await using handle = await open(path, 'r+')
  await handle.sync()
}

async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

export function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

/** Throws unless a file has the bytes of a sample. */
export async function assertSame(path: string, { sha256 }: Sample): Promise<void> {
  const found = await sha256OfFile(path)
  if (found !== sha256) throw new Error(`${path} has the digest ${found}, not ${sha256}`)
}

/**
 * Throws unless a folder has the same files as the original, byte for byte. `only` limits the comparison to some
 * names.
 */
export async function assertSameFolder(
  folder: string,
  original: string,
  only?: readonly string[],
): Promise<void> {
  const names = only ?? (await readdir(original))
  for (const name of names) {
    const [there, here] = await Promise.all([readFile(join(folder, name)), readFile(join(original, name))])
    if (!there.equals(here)) throw new Error(`${name} in ${folder} differs from the original in ${original}`)
  }
  if (names.length === 0) throw new Error(`${original} is empty`)
}

export function assertEqual<T>(found: T, wanted: T, what: string): void {
  if (found !== wanted) throw new Error(`${what} is ${String(found)}, not ${String(wanted)}`)
}
