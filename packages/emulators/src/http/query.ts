/**
 * Decodes the parameters of a raw query, in their order.
 *
 * @throws `URIError` if a parameter cannot be decoded.
 */
export function parseQuery(rawQuery: string): readonly (readonly [string, string])[] {
  return rawQuery
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [name = '', ...value] = pair.replaceAll('+', ' ').split('=')
      return [decodeURIComponent(name), decodeURIComponent(value.join('='))]
    })
}
