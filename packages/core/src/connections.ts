/**
 * `@holdfast/core/connections`: HTTP connections for adapters of object stores. This entry point alone loads HTTP and TLS, so
 * a program that stores on a disk does not load them.
 */
import './node-version.ts'
export { type AgentOptions, type Agents, agentsOf, unpooledAgentsOf } from './backend/proxies/agents.ts'
export { DirectConnections } from './backend/direct/direct-connections.ts'
export {
  directRequest,
  type DirectRequest,
  type DirectResponse,
  type Receiver,
} from './backend/direct/receiver.ts'
export { maySendPieces, sendPieces } from './backend/direct/requests.ts'
export type { Sender, UploadRequest, WholeResponse } from './backend/direct/sender.ts'
export { DirectTransfers } from './backend/direct/transfers.ts'
