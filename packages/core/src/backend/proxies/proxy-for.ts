import { BlockList, isIP } from 'node:net'
import { HoldfastError } from '../../errors.ts'

/** The variables of the environment. */
export type Variables = Readonly<Record<string, string | undefined>>

/** The target of a connection. */
export interface Target {
  readonly protocol: 'http:' | 'https:'
  /** A name or an address. An IPv6 address has no brackets. */
  readonly host: string
  readonly port: number
}

/**
 * Returns the proxy for a connection by the rules of curl: `https_proxy` or `http_proxy`, else `all_proxy`, unless
 * `no_proxy` names the host. The names may be in lower or upper case. Throws `CONFIG` for a proxy that cannot be used.
 * https://curl.se/docs/manpage.html#ENVIRONMENT
 */
export function proxyFor(target: Target, variables: Variables): URL | undefined {
  const kind = target.protocol === 'https:' ? 'https_proxy' : 'http_proxy'
  const chosen = [kind, 'all_proxy'].find((name) => valueOf(variables, name) !== '')
  if (chosen === undefined || isExempt(target, valueOf(variables, 'no_proxy'))) return undefined
  const text = valueOf(variables, chosen)
  const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `http://${text}`)
  // The message omits the value, which may contain a password.
  if (url === null) throw unusable(chosen, 'is not a URL')
  if (!/^https?:$/.test(url.protocol)) throw unusable(chosen, `names a ${url.protocol} proxy`)
  return url
}

/** Returns the value of a variable; empty if it is not set. The lower-case name takes precedence. */
export function valueOf(variables: Variables, name: string): string {
  const found = [name, name.toUpperCase()].find((each) => (variables[each] ?? '').trim() !== '')
  return found === undefined ? '' : (variables[found] ?? '').trim()
}

function unusable(name: string, why: string): HoldfastError {
  return new HoldfastError(
    'CONFIG',
    `${name.toUpperCase()} ${why}. Set it to the URL of an HTTP proxy, such as http://proxy.example.com:3128.`,
  )
}

/** A name also exempts its subdomains. An address may be a network. Both may have a port. */
function isExempt({ host, port }: Target, list: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, '')
  return list.split(/[\s,]+/).some((entry) => {
    if (entry === '') return false
    if (entry === '*') return true
    const [, bracketed, plain = '', onPort] = /^(?:\[([^\]]+)\]|(.*?))(?::(\d+))?$/.exec(entry) ?? []
    if (onPort !== undefined && isIP(entry) === 0 && Number(onPort) !== port) return false
    const pattern = isIP(entry) === 0 ? (bracketed ?? plain) : entry
    if (isIP(name) !== 0) return isInNetwork(name, pattern)
    const suffix = pattern
      .toLowerCase()
      .replace(/^\*?\./, '')
      .replace(/\.$/, '')
    return suffix !== '' && (name === suffix || name.endsWith(`.${suffix}`))
  })
}

function isInNetwork(address: string, pattern: string): boolean {
  const [network = '', bits] = pattern.split('/')
  const family = isIP(network)
  if (family === 0 || family !== isIP(address)) return false
  const type = family === 6 ? 'ipv6' : 'ipv4'
  const longest = family === 6 ? 128 : 32
  const prefix = bits === undefined ? longest : Number(bits)
  if (!Number.isInteger(prefix) || prefix < 0 || prefix > longest) return false
  const networks = new BlockList()
  networks.addSubnet(network, prefix, type)
  return networks.check(address, type)
}
