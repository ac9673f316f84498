import { expect, onTestFinished, test, vi } from 'vitest'
import { askFor } from '../app/ask.ts'

test.each([
  ['ends in the middle', new Response('{"checkpo')],
  ['is an error that ends in the middle', new Response(brokenBody(), { status: 503 })],
])('an answer that %s is reported as a server that does not answer', async (_, response) => {
  vi.stubGlobal('fetch', async () => response)
  onTestFinished(() => {
    vi.unstubAllGlobals()
  })
  await expect(askFor('/run', 'token')).rejects.toThrow('The server of this page does not answer.')
})

function brokenBody(): ReadableStream {
  return new ReadableStream({
    pull: (controller) => {
      controller.error(new TypeError('The connection was closed.'))
    },
  })
}
