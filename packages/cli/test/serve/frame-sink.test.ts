import { PassThrough } from 'node:stream'
import { HoldfastError } from '@holdfast/core'
import { expect, test } from 'vitest'
import { FrameSink } from '../../src/serve/frame-sink.ts'
import { FrameDecoder } from '../../src/serve/frames.ts'

/** Returns what a client receives if the helper sends a message. */
function received(message: object): unknown {
  const pipe = new PassThrough()
  new FrameSink(pipe).sendMessage(message)
  const [event] = new FrameDecoder().decode(pipe.read() as Uint8Array)
  if (event?.kind !== 'message') throw new Error('no message arrived')
  return JSON.parse(event.text)
}

test('sends the code and the message of an error, however deep it is in a result', () => {
  const url = 's3://bucket/run'
  const error = new HoldfastError('PERMISSION_DENIED', 'The credentials may not delete.', {
    url,
    key: 'data/a',
  })
  expect(received({ result: { failed: [{ key: 'data/a', error }] } })).toEqual({
    result: {
      failed: [
        {
          key: 'data/a',
          error: {
            code: 'PERMISSION_DENIED',
            message: 'The credentials may not delete.',
            reason: 'The credentials may not delete.',
            retryable: false,
            key: 'data/a',
            url,
          },
        },
      ],
    },
  })
})

test('sends a foreign error with its stack, and numbers beside it as they are', () => {
  const sent = received({ result: { error: new TypeError('x is not a function'), loss: NaN } })
  expect(sent).toMatchObject({
    result: {
      error: { code: 'UNEXPECTED', message: expect.stringContaining('x is not a function') as string },
      loss: 'NaN',
    },
  })
})
