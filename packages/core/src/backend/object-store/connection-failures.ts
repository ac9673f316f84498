import { own } from '../../records.ts'
import { commonMeanings, type Failure, type Meaning, misconfigured, unavailable } from './meanings.ts'

/** A failure of a connection, and whether the store may have got the request before it. */
export interface ConnectionFailure {
  readonly meaning: Meaning
  readonly mayBeSent: boolean
}

const { noNetwork, untrustedCertificate, badCertificate } = commonMeanings

const notTls = misconfigured(
  'The server does not speak TLS. Write http:// instead of https:// in the endpoint.',
)
const notHttp = unavailable(
  'The response is not one of HTTP. Check the endpoint, its port, and http:// or https://.',
)
const tooManyFiles = unavailable(
  'This process or this machine has too many open files and connections. Raise the limit (ulimit -n).',
)

/** Codes of certificates that Node.js does not trust: https://nodejs.org/api/tls.html#x509-certificate-error-codes. */
const untrusted = [
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_UNTRUSTED',
]

const wrongCertificate = [
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REVOKED',
  'ERR_TLS_CERT_ALTNAME_INVALID',
]

/** Failures before a request: no address, no connection, no tunnel (`tunnel.ts`), or no trust. */
const beforeRequests: Readonly<Record<string, Meaning>> = {
  ...Object.fromEntries(
    ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA', 'EPROXY'].map((code) => [
      code,
      noNetwork,
    ]),
  ),
  ...Object.fromEntries(untrusted.map((code) => [code, untrustedCertificate])),
  ...Object.fromEntries(wrongCertificate.map((code) => [code, badCertificate])),
}

/** The network does not reach the host. An open connection fails with these codes, too, after a request was sent. */
const unreachable = ['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN']

/** Codes of streams, of TLS, of the parser of HTTP, and of undici: https://nodejs.org/api/errors.html. */
const ofConnections =
  /^(TimeoutError|ERR_STREAM_(PREMATURE_CLOSE|DESTROYED)|ERR_(SSL|HTTP2)_\w+|ERR_TLS_HANDSHAKE_TIMEOUT|ERR_SOCKET_(CLOSED|CONNECTION_TIMEOUT)|UND_ERR_(SOCKET|\w+_TIMEOUT))$/

/**
 * Classifies a failure without a response by the code of Node.js and by the call that failed, with which the message of an error
 * of a socket begins: `connect ENETDOWN 10.0.0.1:443`. An error of a file, whose message begins with the code, is none of a
 * connection. Returns `undefined` for any other failure.
 */
export function connectionFailureOf({ name, message }: Failure): ConnectionFailure | undefined {
  const before = own(beforeRequests, name)
  if (before !== undefined) return { meaning: before, mayBeSent: false }
  if (speaksNoTls(name, message)) return { meaning: notTls, mayBeSent: true }
  if (name.startsWith('HPE_')) return { meaning: notHttp, mayBeSent: true }
  if (!ofConnections.test(name) && !isSystemError(name, message)) return undefined
  const meaning = ['EMFILE', 'ENFILE'].includes(name) ? tooManyFiles : noNetwork
  const call = /\b(connect|getaddrinfo|read|write|shutdown) E[A-Z]/.exec(message)?.[1]
  const didNotConnect = call === undefined ? unreachable.includes(name) : /connect|getaddrinfo/.test(call)
  return { meaning, mayBeSent: !didNotConnect }
}

/**
 * A server without TLS answers the first bytes of TLS with text. The code depends on the version of Node.js. A damaged record of
 * an open connection looks the same, so a request may have been sent.
 */
function speaksNoTls(name: string, message: string): boolean {
  return (
    /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/.test(name) ||
    (name === 'EPROTO' && /wrong version number|packet length too long/.test(message))
  )
}

function isSystemError(name: string, message: string): boolean {
  return /^E[A-Z0-9]+(_[A-Z]+)?$/.test(name) && !message.includes(`${name}: `)
}
