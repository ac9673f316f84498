import { join } from 'node:path'
import type { ServerDefinition } from '../definition.ts'
import { variable } from './environment.ts'
import { goInstall } from './go-install.ts'

const version = '1.56.1'

/** The server sends clients the address for uploads, so `-external-url` must be the address that clients can reach. */
const flags = (port: number): readonly string[] => [
  ...['-scheme', 'http'],
  ...['-port', String(port)],
  ...['-external-url', `http://127.0.0.1:${port}`],
  ...['-public-host', `127.0.0.1:${port}`],
  ...['-backend', 'filesystem'],
  ...['-log-level', 'warn'],
]

/**
 * fake-gcs-server checks `ifGenerationMatch` of every kind of upload under one lock. It ignores `ifGenerationMatch` of
 * delete, patch, compose and rewrite, ends an upload when a client requests its status, and keeps whole objects in
 * memory. Source: https://github.com/fsouza/fake-gcs-server.
 */
export const fakeGcsServer: ServerDefinition<'fake-gcs-server'> = {
  kind: 'fake-gcs-server',
  name: 'fake-gcs-server',
  version,
  hasEmulator: true,
  installation: goInstall(`github.com/fsouza/fake-gcs-server@v${version}`),
  runsOn: [],
  command: async ({ installed, folder, port }) => ({
    file: join(installed, 'fake-gcs-server'),
    args: [...flags(port), '-host', '127.0.0.1', '-filesystem-root', join(folder, 'data')],
  }),
  container: {
    image: `fsouza/fake-gcs-server:${version}`,
    arguments: (port) => ({ args: flags(port) }),
  },
  health: { path: '/_internal/healthcheck', status: 200 },
  connection: (port) => ({ endpoint: `http://127.0.0.1:${port}` }),
  fromEnvironment: (environment) => {
    const endpoint = variable(environment, 'HOLDFAST_TEST_GCS_ENDPOINT')
    return endpoint === undefined ? undefined : { name: endpoint, connection: { endpoint } }
  },
}
