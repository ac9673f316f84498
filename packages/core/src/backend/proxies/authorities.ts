import { readFileSync } from 'node:fs'
import { getCACertificates } from 'node:tls'
import { HoldfastError } from '../../errors.ts'
import { nodeErrorCode } from '../../node-errors.ts'
import { valueOf, type Variables } from './proxy-for.ts'

/**
 * Returns the certificate authorities of Node.js and those of the file that `AWS_CA_BUNDLE` names. Returns `undefined` if
 * the variable is not set. Throws `CONFIG` for a file that cannot be used.
 */
export function authoritiesOf(variables: Variables): readonly string[] | undefined {
  const file = valueOf(variables, 'aws_ca_bundle')
  if (file === '') return undefined
  const text = contentsOf(file)
  if (!text.includes('-----BEGIN CERTIFICATE-----')) throw unusable(file, 'it holds no certificate in PEM')
  return [...getCACertificates('default'), text]
}

/**
 * Returns the certificate authorities of this thread if they are not those of Node.js and `NODE_EXTRA_CA_CERTS`, since another
 * thread has only these. `tls.setDefaultCACertificates` replaces those of the thread that calls it:
 * https://nodejs.org/api/tls.html#tlssetdefaultcacertificatescerts.
 */
export function replacedAuthorities(): readonly string[] | undefined {
  const current = new Set(getCACertificates('default'))
  const usual = new Set([...getCACertificates('bundled'), ...getCACertificates('extra')])
  const isUsual = current.size === usual.size && [...current].every((each) => usual.has(each))
  return isUsual ? undefined : [...current]
}

function contentsOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw unusable(file, nodeErrorCode(error) ?? String(error))
  }
}

function unusable(file: string, why: string): HoldfastError {
  return new HoldfastError(
    'CONFIG',
    `AWS_CA_BUNDLE names ${file}, which cannot be used: ${why}. Correct the variable.`,
  )
}
