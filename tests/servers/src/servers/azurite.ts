import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { ServerDefinition } from '../definition.ts'
import { variable } from './environment.ts'

const version = '3.37.0'
const account = 'devstoreaccount1'
/**
 * The public key of the default account, which is the same in every installation:
 * https://learn.microsoft.com/azure/storage/common/storage-use-azurite.
 */
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

const flags = (port: number): readonly string[] => [
  ...['--blobPort', String(port)],
  // Without this flag, Azurite rejects requests of clients that are newer than Azurite:
  // https://learn.microsoft.com/azure/storage/common/storage-use-azurite.
  '--skipApiVersionCheck',
  '--disableTelemetry',
  '--silent',
]

/** Azurite checks a condition and writes in one step of a single process. It writes its metadata on SIGTERM. */
export const azurite: ServerDefinition<'azurite'> = {
  kind: 'azurite',
  name: 'Azurite',
  version,
  hasEmulator: false,
  installation: {
    from: 'dependencies',
    folder: () => {
      const require = createRequire(import.meta.url)
      const folders = require.resolve.paths('azurite') ?? []
      return folders.map((folder) => join(folder, 'azurite')).find((folder) => existsSync(folder))
    },
  },
  runsOn: [],
  command: async ({ installed, folder, port }) => ({
    file: process.execPath,
    args: [
      join(installed, 'dist', 'src', 'blob', 'main.js'),
      ...flags(port),
      ...['--blobHost', '127.0.0.1'],
      ...['--location', join(folder, 'data')],
    ],
  }),
  container: {
    image: `mcr.microsoft.com/azure-storage/azurite:${version}`,
    arguments: (port) => ({
      args: ['azurite-blob', ...flags(port), '--blobHost', '0.0.0.0', '--location', '/data'],
    }),
  },
  // A ready server rejects a request without credentials.
  health: { path: `/${account}?comp=list`, status: 403 },
  connection: (port) => ({
    connectionString: [
      'DefaultEndpointsProtocol=http',
      `AccountName=${account}`,
      `AccountKey=${accountKey}`,
      `BlobEndpoint=http://127.0.0.1:${port}/${account}`,
    ].join(';'),
  }),
  fromEnvironment: (environment) => {
    const connectionString = variable(environment, 'HOLDFAST_TEST_AZURE_CONNECTION_STRING')
    if (connectionString === undefined) return undefined
    return { name: nameOf(connectionString), connection: { connectionString } }
  },
}

/** Returns a name for an account, without its secrets. */
function nameOf(connectionString: string): string {
  const parts = new Map(connectionString.split(';').map((part) => splitAtFirst(part, '=')))
  return parts.get('BlobEndpoint') ?? `the account ${parts.get('AccountName') ?? 'of the environment'}`
}

function splitAtFirst(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}
