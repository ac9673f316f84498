import fc from 'fast-check'
import { PassThrough } from 'node:stream'
import { isHoldfastError } from '@holdfast/core'
import { expect, test } from 'vitest'
import {
  abortFrame,
  creditFrame,
  dataHeader,
  endFrame,
  FrameDecoder,
  type FrameEvent,
  maxPayload,
  messageFrames,
} from '../../src/serve/frames.ts'
import { serve } from '../../src/serve/serve.ts'

const streamNumber = fc.integer({ min: 1, max: 2 ** 32 - 1 })

/** Frames of every kind, with the event that they decode to. */
const anyFrames: fc.Arbitrary<readonly [Uint8Array, FrameEvent]> = fc.oneof(
  fc
    .string({ unit: 'grapheme' })
    .map((text): [Uint8Array, FrameEvent] => [
      Buffer.concat([...messageFrames(text)]),
      { kind: 'message', text },
    ]),
  fc
    .tuple(streamNumber, fc.uint8Array({ minLength: 1 }))
    .map(([stream, bytes]): [Uint8Array, FrameEvent] => [
      Buffer.concat([dataHeader(stream, bytes.byteLength), bytes]),
      { kind: 'data', stream, bytes },
    ]),
  streamNumber.map((stream): [Uint8Array, FrameEvent] => [endFrame(stream), { kind: 'end', stream }]),
  fc
    .tuple(streamNumber, fc.string())
    .map(([stream, reason]): [Uint8Array, FrameEvent] => [
      abortFrame(stream, { message: reason }),
      { kind: 'abort', stream, reason },
    ]),
  fc
    .tuple(streamNumber, fc.nat())
    .map(([stream, bytes]): [Uint8Array, FrameEvent] => [
      creditFrame(stream, bytes),
      { kind: 'credit', stream, bytes },
    ]),
)

/** Joins neighbouring pieces of data of one stream, which a decoder may split anywhere. */
function joined(events: Iterable<FrameEvent>): readonly FrameEvent[] {
  const result: FrameEvent[] = []
  for (const event of events) {
    const last = result.at(-1)
    if (event.kind === 'data' && last?.kind === 'data' && last.stream === event.stream)
      result[result.length - 1] = { ...last, bytes: Buffer.concat([last.bytes, event.bytes]) }
    else result.push(event.kind === 'data' ? { ...event, bytes: Buffer.from(event.bytes) } : event)
  }
  return result
}

test('frames decode to what was encoded, wherever the chunks of the pipe end', () => {
  fc.assert(
    fc.property(
      fc.array(anyFrames),
      fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1 }),
      (frames, cuts) => {
        const bytes = Buffer.concat(frames.map(([frame]) => frame))
        const decoder = new FrameDecoder()
        const events: FrameEvent[] = []
        for (let start = 0, turn = 0; start < bytes.byteLength; turn += 1) {
          const length = cuts[turn % cuts.length] ?? 1
          events.push(...decoder.decode(bytes.subarray(start, start + length)))
          start += length
        }
        expect(joined(events)).toEqual(joined(frames.map(([, event]) => event)))
      },
    ),
  )
})

test('a message longer than a frame is sent in parts', () => {
  const text = 'ä'.repeat(maxPayload)
  const frames = [...messageFrames(text)]
  expect(frames).toHaveLength(2)
  const decoder = new FrameDecoder()
  expect(frames.flatMap((frame) => [...decoder.decode(frame)])).toEqual([{ kind: 'message', text }])
})

test('the abort of a stream keeps its code and fits into a frame, however long its texts are', () => {
  const long = '\u0000'.repeat(maxPayload)
  const hint = { kind: 'name-store' }
  const error = { code: 'CORRUPT', message: `Damaged: ${long}`, reason: long, key: long, hint }
  const bytes = abortFrame(1, error)
  const payload = Buffer.from(bytes).subarray(9)
  expect(payload.byteLength).toBeLessThanOrEqual(maxPayload)
  expect(JSON.parse(payload.toString())).toMatchObject({
    code: 'CORRUPT',
    message: expect.stringMatching(/^Damaged: .*… \(shortened\)$/s) as string,
    hint,
  })
})

test('a shortened text is never cut within a character', () => {
  const bytes = abortFrame(1, { message: `x${'😀'.repeat(maxPayload)}` })
  const { message } = JSON.parse(Buffer.from(bytes).subarray(9).toString()) as { readonly message: string }
  expect(message).toMatch(/^x(😀)+… \(shortened\)$/u)
})

test('any bytes end the connection with INVALID_ARGUMENT or are served, and never hang it', async () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    anyFrames.map(([frame]) => frame),
    fc.json().map((text) => Buffer.concat([...messageFrames(text)])),
    fc
      .tuple(
        fc.constantFrom('initialize', 'openStore', 'save', 'read', 'list', '$/cancelRequest'),
        fc.object(),
      )
      .map(([method, params]) =>
        Buffer.concat([...messageFrames(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))]),
      ),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(noise), async (pieces) => {
      const [input, output] = [new PassThrough(), new PassThrough()]
      output.resume()
      const served = serve({
        input,
        output,
        version: '0.0.0',
        signal: new AbortController().signal,
        parentOf: () => 1,
        onOverdue: () => undefined,
      }).catch((error: unknown) => error)
      for (const piece of pieces) input.write(piece)
      input.end()
      const error = await served
      expect(error === undefined || isHoldfastError(error, 'INVALID_ARGUMENT')).toBe(true)
    }),
    { numRuns: 200 },
  )
})
