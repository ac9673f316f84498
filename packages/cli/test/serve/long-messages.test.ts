import { PassThrough } from 'node:stream'
import { expect, onTestFinished, test, vi } from 'vitest'
import { FrameSink } from '../../src/serve/frame-sink.ts'
import { FrameDecoder, maxMessage, messageFrames } from '../../src/serve/frames.ts'
import { connect, FrameMessageReader, notify } from '../../src/serve/json-rpc.ts'

/** Calls a method that returns `result`, and returns the response that the client receives. */
async function responseTo(result: unknown): Promise<unknown> {
  const pipe = new PassThrough()
  const sink = new FrameSink(pipe)
  const reader = new FrameMessageReader(sink)
  const connection = connect(reader, sink)
  onTestFinished(() => {
    connection.dispose()
  })
  connection.onRequest(() => result)
  connection.listen()
  const decoder = new FrameDecoder()
  const received = new Promise((resolve) => {
    pipe.on('data', (chunk: Uint8Array) => {
      for (const event of decoder.decode(chunk)) if (event.kind === 'message') resolve(JSON.parse(event.text))
    })
  })
  await reader.receive('{"jsonrpc":"2.0","id":1,"method":"list"}')
  return received
}

/** What `JSON.stringify` does with a result that is longer than a string can be. */
const endless = {
  toJSON: () => {
    throw new RangeError('Invalid string length')
  },
}

test('a call whose result is longer than a message fails with the limit', async () => {
  expect(await responseTo('x'.repeat(maxMessage))).toMatchObject({
    id: 1,
    error: {
      code: -32000,
      data: { code: 'UNSUPPORTED', retryable: false },
      message: expect.stringMatching(
        /result was not sent\. It has 67108\d+ bytes.*at most 67108864 bytes/,
      ) as string,
    },
  })
})

test('a call whose result is longer than a string fails with the limit', async () => {
  expect(await responseTo(endless)).toMatchObject({
    error: { message: expect.stringContaining('at most 67108864 bytes') as string },
  })
})

test('a notification that is longer than a message is reported on standard error', () => {
  const pipe = new PassThrough()
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  onTestFinished(() => {
    write.mockRestore()
  })
  notify(new FrameSink(pipe), 'event', { event: endless })
  expect(write).toHaveBeenCalledWith(expect.stringContaining('A notification event was not sent.'))
  expect(pipe.read()).toBeNull()
})

test('the longest message is sent, and a longer one is not', () => {
  expect(messageFrames('x'.repeat(maxMessage)).next().done).toBe(false)
  expect(() => [...messageFrames('x'.repeat(maxMessage + 1))]).toThrow('It has 67108865 bytes of JSON.')
})
