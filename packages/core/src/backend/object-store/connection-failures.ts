import { own } from '../../input/records.ts'
import { commonMeanings, type Failure, type Meaning, misconfigured, unavailable } from './meanings.ts'

/** A failure of a connection, and whether the store may have got the request before it. */
export interface ConnectionFailure {
  readonly meaning: Meaning
  readonly mayBeSent: boolean
}

const { noNetwork, proxyFailed, untrustedCertificate, badCertificate } = commonMeanings

const notTls = misconfigured(
  'The server does not speak TLS. Write http:// instead of https:// in the endpoint.',
)
const notHttp = unavailable(
  'The response is not one of HTTP. Check the endpoint, its port, and http:// or https://.',
)
const tlsRefused = misconfigured(
  'The server refused the TLS connection. Check its TLS version, and whether it requires a client certificate.',
)
const noProgram = misconfigured(
  'A program that the credentials require cannot be started. Install it, or correct its path.',
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

/** Failures before a request: no address, no connection, no proxy (`tunnel.ts`, `whole-url.ts`), or no trust. */
const beforeRequests: Readonly<Record<string, Meaning>> = {
  ...Object.fromEntries(
    ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'EAI_NODATA'].map((code) => [code, noNetwork]),
  ),
  EPROXY: proxyFailed,
  ...Object.fromEntries(untrusted.map((code) => [code, untrustedCertificate])),
  ...Object.fromEntries(wrongCertificate.map((code) => [code, badCertificate])),
}

/** The network does not reach the host. An open connection fails with these codes, too, after a request was sent. */
const unreachable = ['EHOSTUNREACH', 'ENETUNREACH', 'EHOSTDOWN', 'ENETDOWN']

/** Codes of streams, of TLS, of the parser of HTTP, and of undici: https://nodejs.org/api/errors.html. */
const ofConnections =
  /^(TimeoutError|ERR_STREAM_(PREMATURE_CLOSE|DESTROYED)|ERR_SSL_\S+|ERR_HTTP2_\w+|ERR_TLS_HANDSHAKE_TIMEOUT|ERR_SOCKET_(CLOSED|CONNECTION_TIMEOUT)|UND_ERR_(SOCKET|\w+_TIMEOUT))$/

/** Reasons of OpenSSL for which each later handshake fails, too: https://www.rfc-editor.org/rfc/rfc8446#section-6.2. */
const tlsRefusals =
  /alert (handshake failure|protocol version|insufficient security|certificate required|unknown ca|access denied|no application protocol)|unsafe legacy renegotiation|no protocols available|unsupported protocol/

/** Codes that only connections have, whatever the message is. */
const onlyOfConnections =
  /^(E(CONN|HOST|NET|ADDR)[A-Z]+|EAI_[A-Z]+|EPIPE|E(SOCKET)?TIMEDOUT|ENOTCONN|ESHUTDOWN|EPROTO|ENOBUFS)$/

/** Codes of a system that does not allow a connection. Files have them, too. */
const alsoOfFiles = ['EACCES', 'EPERM', 'EMFILE', 'ENFILE']

/**
 * Classifies a failure without a response by the code of Node.js and by the call that failed, with which the message of an error
 * of a socket begins: `connect ENETDOWN 10.0.0.1:443`. An error of a file, whose message begins with the code, is none of a
 * connection, nor is a code that a library made up. Returns `undefined` for any other failure.
 */
export function connectionFailureOf({ name, message }: Failure): ConnectionFailure | undefined {
  const before = own(beforeRequests, name)
  if (before !== undefined) return { meaning: before, mayBeSent: false }
  if (speaksNoTls(name, message)) return { meaning: notTls, mayBeSent: true }
  if (name.startsWith('HPE_')) return { meaning: notHttp, mayBeSent: true }
  const isOfTls = name === 'EPROTO' || name.startsWith('ERR_SSL_')
  if (isOfTls && tlsRefusals.test(message)) return { meaning: tlsRefused, mayBeSent: false }
  if (/^spawn .* E[A-Z]+$/.test(message)) return { meaning: noProgram, mayBeSent: false }
  if (!ofConnections.test(name) && !isOfSocket(name, message)) return undefined
  const meaning = ['EMFILE', 'ENFILE'].includes(name) ? tooManyFiles : noNetwork
  const call = callOf(message)?.call
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

/** Returns whether a call on a socket failed with this code. If all addresses of a host fail, the message is empty. */
function isOfSocket(name: string, message: string): boolean {
  if (onlyOfConnections.test(name)) return !message.includes(`${name}: `)
  return message === '' ? alsoOfFiles.includes(name) : callOf(message)?.code === name
}

/** Returns the call on a socket that failed, and its code. */
function callOf(message: string): { readonly call: string; readonly code: string } | undefined {
  const [, call, code] = /\b(connect|getaddrinfo|read|write|shutdown) (E[A-Z0-9_]+)/.exec(message) ?? []
  return call === undefined || code === undefined ? undefined : { call, code }
}
