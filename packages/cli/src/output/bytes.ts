/**
 * Writes a stream of bytes to standard output, no faster than its reader takes them. Calls `onWritten` with the bytes of
 * each chunk. Returns whether all bytes were taken: a reader such as head(1) stops earlier, which cancels the stream.
 * `StandardOutput` reports other errors of standard output.
 */
export async function writeBytes(
  body: AsyncIterable<Uint8Array>,
  onWritten: (bytes: number) => void,
): Promise<boolean> {
  for await (const chunk of body) {
    if (!(await isTaken(chunk))) return false
    onWritten(chunk.byteLength)
  }
  return true
}

/** Waits until standard output has passed the bytes on. */
async function isTaken(chunk: Uint8Array): Promise<boolean> {
  return new Promise((resolve) => {
    process.stdout.write(chunk, (error) => {
      resolve(error === undefined || error === null)
    })
  })
}
