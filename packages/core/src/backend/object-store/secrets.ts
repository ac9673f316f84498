import { HoldfastError } from '../../errors.ts'

/** The shortest secret. Shorter parts of a header are ordinary words. */
const shortestSecret = 8

/** The largest number of remembered secrets. Tokens are renewed, and old tokens are of no use. */
const mostRemembered = 64

const redacted = '[redacted]'

/** Headers of a request that contain secrets, in lower case. */
export const secretHeaders = [
  'authorization',
  'proxy-authorization',
  'cookie',
  'x-amz-security-token',
  'x-amz-s3session-token',
  'x-amz-server-side-encryption-customer-key',
  'x-goog-encryption-key',
  'x-ms-encryption-key',
] as const

/** Matches the end of a name whose value is a secret. */
const secretName =
  /(?:signature|\bsig|token|secret|password|passphrase|account_?key|access_?key|api_?key|credential|authorization|upload_id)/

/**
 * Matches a value after its name: `=VALUE`, `>VALUE`, `: "VALUE"`, or `: VALUE` if the value is not an ordinary word.
 */
const namedValue =
  /(["']?\s*[=>]\s*["']?|["']?\s*:\s*["']|\s*:\s*(?=[^\s"'&;,<>]*[\d+/=_]))(?!(?:bearer|basic|sharedkey(?:lite)?)\s)[^\s"'&;,<>]{4,}/

/** Patterns of secrets in the text of a server or an SDK, and their replacements. */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/(\b[a-z][a-z0-9+.-]*:\/\/)[^\s/"'<>]*@/gi, `$1${redacted}@`],
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s?"'<>]*)\?[^\s"'<>]*/gi, `$1?${redacted}`],
  [
    /\b(bearer|basic|sharedkey(?:lite)?|aws4-hmac-sha256|goog4-[\w-]+)\s+(?=\S*[\d=])[^\s"'<>,]{8,}(?:,\s*\w+=[^\s"'<>,]+)*/gi,
    `$1 ${redacted}`,
  ],
  [new RegExp(`(${secretName.source})${namedValue.source}`, 'gi'), `$1$2${redacted}`],
  [/\beyJ[\w-]{8,}\.[\w-]+(?:\.[\w-]*)?/g, redacted],
  [/\bya29\.[\w.-]+/g, redacted],
]

/** Replaces everything that looks like a secret in a text: credentials and parameters of URLs, tokens, signatures. */
export function redact(text: string): string {
  return shapes.reduce((shown, [shape, instead]) => shown.replace(shape, instead), text)
}

/**
 * Remembers the secrets that a backend has sent. Servers, proxies and SDKs repeat parts of a request in their errors,
 * and programs print and log errors.
 */
export class Secrets {
  readonly #sent = new Set<string>()

  /** Remembers a value, such as an `Authorization` header, and its parts. */
  add(value: string | null | undefined): void {
    if (value === null || value === undefined) return
    const parts = value.split(/[\s,;]+/).flatMap((part) => [part, part.slice(part.indexOf('=') + 1)])
    for (const secret of [value, ...parts]) {
      if (secret.length < shortestSecret) continue
      this.#sent.delete(secret)
      this.#sent.add(secret)
    }
    for (const oldest of this.#sent) {
      if (this.#sent.size <= mostRemembered) break
      this.#sent.delete(oldest)
    }
  }

  redact(text: string): string {
    const longestFirst = [...this.#sent].sort((one, other) => other.length - one.length)
    const withoutSent = longestFirst.reduce(
      (shown, secret) => shown.replaceAll(secret, redacted).replaceAll(encodeURIComponent(secret), redacted),
      text,
    )
    return redact(withoutSent)
  }

  /**
   * Returns a copy of what was thrown that is safe to print: its name, message, stack, codes and causes. The request
   * and the response that SDKs attach are left out. A Holdfast error is safe already and is returned as it is.
   */
  causeOf(error: unknown): unknown {
    if (error instanceof HoldfastError) return error
    if (!(error instanceof Error)) return this.redact(String(error))
    const cause = error.cause === undefined ? {} : { cause: this.causeOf(error.cause) }
    const shown = new Error(this.redact(error.message), cause)
    shown.name = this.redact(error.name)
    shown.stack = this.redact(error.stack ?? '')
    return Object.assign(shown, codesOf(error))
  }
}

/** Fields that programs compare. */
const codes = ['code', 'errno', 'syscall', 'status', 'statusCode'] as const

function codesOf(error: Error): Readonly<Record<string, string | number>> {
  const found = codes.flatMap((name): [string, string | number][] => {
    const value: unknown = Reflect.get(error, name)
    return typeof value === 'number' || (typeof value === 'string' && /^\w{1,60}$/.test(value))
      ? [[name, value]]
      : []
  })
  return Object.fromEntries(found)
}
