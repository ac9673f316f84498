/**
 * Runs the proxy that delays requests in its own process, so that it does not share an event loop with the clients.
 * Arguments: the address of the server, and the delay in milliseconds. Sends its address to its parent, and the number of
 * requests so far as the answer to any message. Ends when the parent disconnects.
 */
import { startProxy } from '@holdfast/emulators/proxy'

const [target = '', latency = ''] = process.argv.slice(2)
const proxy = await startProxy({ target, latency: Number(latency) })
process.on('message', () => process.send?.(proxy.requests.count()))
process.on('disconnect', () => void proxy.close())
process.send?.(proxy.url)
