import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { link, mkdir, open, readFile, rename, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { eachFile } from './each-file.ts'

/**
 * Saves a file as a careful script would: copies it through a hash to a temporary name, syncs it, renames it,
 * writes the digest to a file beside it, and syncs the folder.
 */
export async function saveByHand(from: string, to: string): Promise<undefined> {
  const sha256 = await copyHashed(from, `${to}.tmp`)
  await rename(`${to}.tmp`, to)
  await writeDurably(`${to}.sha256`, Buffer.from(`${sha256}\n`))
  await syncFolder(dirname(to))
}

/**
 * Restores a file as a careful script would: copies it through a hash, compares, syncs, renames, syncs the folder.
 */
export async function restoreByHand(from: string, to: string, sha256: string): Promise<undefined> {
  const found = await copyHashed(from, `${to}.tmp`)
  if (found !== sha256) throw new Error(`${from} has the digest ${found}, not ${sha256}`)
  await rename(`${to}.tmp`, to)
  await syncFolder(dirname(to))
}

async function copyHashed(from: string, to: string): Promise<string> {
  const hash = createHash('sha256')
  const hashing = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk)
      done(null, chunk)
    },
  })
  const highWaterMark = 2 ** 20
  await pipeline(
    createReadStream(from, { highWaterMark }),
    hashing,
    createWriteStream(to, { highWaterMark, flush: true }),
  )
  return hash.digest('hex')
}

/**
 * Makes one small file, its manifest and its entry in a list durable with the fewest fsyncs: six, of three
 * files and of the three folders that name them.
 */
export async function commitByHand(root: string, step: number, bytes: Uint8Array): Promise<string> {
  const folder = join(root, 'data', String(step))
  await mkdir(folder)
  const path = join(folder, 'model.bin')
  await writeDurably(path, bytes)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  await writeDurably(join(folder, 'manifest.json'), Buffer.from(JSON.stringify({ step, sha256 })))
  await syncFolder(folder)
  await syncFolder(join(root, 'data'))
  await commitVersion(root, step)
  return path
}

/**
 * Makes the same durable with the seven fsyncs of a save. They run one after the other, except that the folder `data` is synced
 * while the file is written and synced. The name of the file is durable before the manifest is written.
 */
export async function commitInOrder(root: string, step: number, bytes: Uint8Array): Promise<string> {
  const folder = join(root, 'data', String(step))
  await mkdir(folder)
  const path = join(folder, 'model.bin')
  await Promise.all([writeDurably(`${path}.tmp`, bytes), syncFolder(join(root, 'data'))])
  await rename(`${path}.tmp`, path)
  await syncFolder(folder)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const manifest = join(folder, 'manifest.json')
  await writeDurably(`${manifest}.tmp`, Buffer.from(JSON.stringify({ step, sha256 })))
  await rename(`${manifest}.tmp`, manifest)
  await syncFolder(folder)
  await commitVersion(root, step)
  return path
}

/** Copies each file of a folder and syncs the copy, several at once. A restore that must survive a power failure does no less. */
export async function copyEachDurably(from: string, to: string): Promise<undefined> {
  await eachFile(from, async (path, name) => writeDurably(join(to, name), await readFile(path)))
  await syncFolder(to)
}

async function commitVersion(root: string, step: number): Promise<void> {
  const temporary = join(root, 'catalog', `.${step}`)
  await writeDurably(temporary, Buffer.from(JSON.stringify({ newest: step })))
  await link(temporary, join(root, 'catalog', String(step)))
  await unlink(temporary)
  await syncFolder(join(root, 'catalog'))
}

export async function writeDurably(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, 'wx')
  try {
    await handle.writeFile(bytes)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
