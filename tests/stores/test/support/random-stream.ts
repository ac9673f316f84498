import { randomBytes } from 'node:crypto'

/** Yields random bytes, as a stream of unknown length. Reports which share of them is taken. */
export async function* randomStream(
  mebibytes: number,
  onTaken: (share: number) => Promise<void> = async () => undefined,
): AsyncGenerator<Uint8Array> {
  const mebibyte = randomBytes(2 ** 20)
  for (let sent = 0; sent < mebibytes; sent += 1) {
    mebibyte.writeUInt32LE(sent)
    yield mebibyte
    await onTaken((sent + 1) / mebibytes)
  }
}
