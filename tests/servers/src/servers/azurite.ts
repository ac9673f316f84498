import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { ServerDefinition } from '../definition.ts'
import { given } from './environment.ts'

const version = '3.37.0'
const account = 'devstoreaccount1'
/** Published by its makers: the same for everyone, and no secret. */
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

const flags = (port: number): readonly string[] => [
  ...['--blobPort', String(port)],
  // It refuses clients that are newer than itself otherwise.
  '--skipApiVersionCheck',
  '--disableTelemetry',
  '--silent',
]

/** Checks conditions and writes in one step of one process. What it holds in memory it writes down on SIGTERM. */
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
  // It knows its caller by then, and refuses one without credentials.
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
    const connectionString = given(environment, 'HOLDFAST_TEST_AZURE_CONNECTION_STRING')
    if (connectionString === undefined) return undefined
    return { name: nameOf(connectionString), connection: { connectionString } }
  },
}

/** Without its secrets. */
function nameOf(connectionString: string): string {
  const parts = new Map(connectionString.split(';').map((part) => splitAtFirst(part, '=')))
  return parts.get('BlobEndpoint') ?? `the account ${parts.get('AccountName') ?? 'of the environment'}`
}

function splitAtFirst(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)]
}
