import { PassThrough } from 'node:stream'
import { HoldfastError } from '@holdfast/core'
import { expect, test } from 'vitest'
import { FrameSink } from '../../src/serve/frame-sink.ts'
import { FrameDecoder } from '../../src/serve/frames.ts'
import { streamWindow, Upload } from '../../src/serve/upload.ts'

/** An upload whose reader waits for bytes, and the kinds of the frames that the client has received. */
function waitingUpload() {
  const pipe = new PassThrough()
  const upload = new Upload(1, 'a.bin', new FrameSink(pipe))
  const pieces = upload[Symbol.asyncIterator]()
  const first = pieces.next()
  const sent = () => [...new FrameDecoder().decode(pipe.read() as Uint8Array)].map(({ kind }) => kind)
  return { upload, pieces, first, sent }
}

const stopped = new HoldfastError('ABORTED', 'The client cancelled the save.')

test('an upload that is stopped fails its reader although the client has ended it, and asks for no more', async () => {
  const { upload, pieces, first, sent } = waitingUpload()
  upload.receive(Buffer.from('first'))
  upload.receive(Buffer.from('second'))
  upload.end()
  expect((await first).value).toEqual(Buffer.from('first'))
  upload.fail(stopped)
  await expect(pieces.next()).rejects.toBe(stopped)
  expect(sent()).toEqual(['credit'])
})

test('an upload that is stopped aborts the stream at once, and discards what arrives within the credit', async () => {
  const { upload, first, sent } = waitingUpload()
  upload.fail(stopped)
  expect(sent()).toEqual(['credit', 'abort'])
  upload.receive(Buffer.alloc(streamWindow))
  expect(() => {
    upload.receive(Buffer.alloc(1))
  }).toThrow('exceeds its credit')
  await expect(first).rejects.toBe(stopped)
})

test('an upload that was read to its end does not yield an empty content again', async () => {
  const { upload, pieces, first } = waitingUpload()
  upload.receive(Buffer.from('all'))
  upload.end()
  await first
  expect((await pieces.next()).done).toBe(true)
  await expect(upload[Symbol.asyncIterator]().next()).rejects.toThrow('not needed any more')
})

test(
  'an upload reads a window of small pieces without moving them again and again',
  { timeout: 60_000 },
  async () => {
    const { upload, pieces, first } = waitingUpload()
    const count = Math.floor(streamWindow / 8)
    for (let index = 0; index < count; index += 1) upload.receive(Buffer.alloc(8))
    upload.end()
    await first
    let bytes = 8
    for await (const piece of pieces) bytes += piece.byteLength
    expect(bytes).toBe(count * 8)
  },
)
