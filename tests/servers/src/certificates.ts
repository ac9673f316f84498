import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Certificates, Tool } from './definition.ts'
import { run } from './run.ts'

export const openssl: Tool = { name: 'openssl', command: 'openssl', args: ['version'] }

const days = ['-days', '2']
const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
const signing = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign\n'
const serving = (names: string): string =>
  `basicConstraints=CA:FALSE\nsubjectAltName=${names}\nextendedKeyUsage=serverAuth\n`

/** Makes a root authority, an authority below it, and a certificate for a server, which are valid for two days. */
export async function makeCertificates(
  folder: string,
  names = 'DNS:localhost,IP:127.0.0.1',
): Promise<Certificates> {
  const path = (name: string): string => join(folder, name)
  const make = (...args: readonly string[]): Promise<string> => run('openssl', args, { directory: folder })
  const root = [
    '-x509',
    ...days,
    '-subj',
    '/CN=Holdfast test root',
    '-addext',
    'keyUsage=critical,keyCertSign',
  ]
  await make('req', ...newKey, ...root, '-keyout', 'root.key', '-out', 'root.pem')
  const signed = async (name: string, extensions: string, by: string): Promise<string> => {
    await writeFile(path(`${name}.extensions`), extensions)
    const subject = ['-subj', `/CN=Holdfast test ${name}`]
    await make('req', ...newKey, ...subject, '-keyout', `${name}.key`, '-out', `${name}.request`)
    const authority = ['-CA', `${by}.pem`, '-CAkey', `${by}.key`, '-CAcreateserial']
    const options = [...days, ...authority, '-extfile', `${name}.extensions`, '-out', `${name}.pem`]
    await make('x509', '-req', '-in', `${name}.request`, ...options)
    return make('x509', '-in', `${name}.pem`)
  }
  const between = await signed('between', signing, 'root')
  const server = await signed('server', serving(names), 'between')
  await writeFile(path('chain.pem'), server + between)
  return { authority: path('root.pem'), chain: path('chain.pem'), key: path('server.key') }
}
