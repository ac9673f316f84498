/** The beginning of a response of HTTP/1.1: its status and its headers, whose names are in lower case. */
export interface ResponseHead {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
}

/**
 * Parses the text before the empty line of a response. Returns `undefined` for a text that is not exactly what HTTP/1.1
 * allows: https://www.rfc-editor.org/rfc/rfc9112#section-4. Repeated headers are joined by commas.
 */
export function parseHead(text: string): ResponseHead | undefined {
  const [statusLine = '', ...lines] = text.split('\r\n')
  const status = /^HTTP\/1\.1 (\d{3})(?: [^\r\n]*)?$/.exec(statusLine)?.[1]
  if (status === undefined) return undefined
  const headers = new Map<string, string>()
  for (const line of lines) {
    const [, name, value = ''] =
      /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/.exec(line) ?? []
    if (name === undefined) return undefined
    const before = headers.get(name.toLowerCase())
    headers.set(name.toLowerCase(), before === undefined ? value : `${before}, ${value}`)
  }
  return { status: Number(status), headers: Object.fromEntries(headers) }
}

/**
 * Returns the number of bytes that follow the head of a response to GET. Returns `undefined` if the head does not state
 * it: the body then comes in pieces of a format of its own, or ends with the connection.
 */
export function bodyLength({ headers }: ResponseHead): number | undefined {
  const length = headers['content-length'] ?? ''
  if (headers['transfer-encoding'] !== undefined || !/^\d{1,15}$/.test(length)) return undefined
  return Number(length)
}

/** Returns whether the connection can be used again after the response. */
export function staysOpen({ headers }: ResponseHead): boolean {
  return !/\bclose\b/i.test(headers['connection'] ?? '')
}

/** Returns the text of a request, or `undefined` if a part of it contains characters that HTTP does not allow. */
export function requestText(path: string, headers: Readonly<Record<string, string>>): string | undefined {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  const isValid =
    /^\/[\x21-\x7e]*$/.test(path) &&
    Object.keys(headers).every((name) => /^[\w-]+$/.test(name)) &&
    lines.every((line) => /^[\t\x20-\x7e\x80-\xff]*$/.test(line))
  return isValid ? [`GET ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n') : undefined
}
