import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServerDefinition } from '../definition.ts'
import { s3FromEnvironment } from './environment.ts'
import { goInstall } from './go-install.ts'

const credentials = { accessKeyId: 'holdfast', secretAccessKey: 'holdfast-secret' }

const settings = {
  MINIO_ROOT_USER: credentials.accessKeyId,
  MINIO_ROOT_PASSWORD: credentials.secretAccessKey,
  MINIO_BROWSER: 'off',
  MINIO_UPDATE: 'off',
}

/**
 * MinIO is the first choice for S3. Its conditional PUT and CompleteMultipartUpload lock the key during the check and
 * the write. Its ListMultipartUploads differs from S3: a prefix matches only uploads of exactly that key
 * (https://github.com/minio/minio/issues/20989).
 */
export const minio: ServerDefinition<'minio'> = {
  kind: 'minio',
  name: 'MinIO',
  // The last version of the archived project. Its release tags are not versions that go accepts.
  version: '2026-02-12',
  hasEmulator: true,
  installation: goInstall('github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c'),
  runsOn: [],
  command: async ({ installed, folder, port }) => ({
    file: join(installed, 'minio'),
    args: [
      'server',
      ...['--address', `127.0.0.1:${port}`],
      ...['--certs-dir', join(folder, 'certs')],
      join(folder, 'data'),
    ],
    environment: settings,
  }),
  container: {
    image: 'minio/minio:RELEASE.2025-09-07T16-13-09Z',
    arguments: (port) => ({ args: ['server', '--address', `:${port}`, '/data'], environment: settings }),
  },
  health: { path: '/minio/health/ready', status: 200 },
  connection: (port) => ({ endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', ...credentials }),
  secure: {
    install: async ({ chain, key }, folder) => {
      await mkdir(join(folder, 'certs'))
      await copyFile(chain, join(folder, 'certs', 'public.crt'))
      await copyFile(key, join(folder, 'certs', 'private.key'))
    },
    connection: (port) => ({ endpoint: `https://localhost:${port}`, region: 'us-east-1', ...credentials }),
  },
  fromEnvironment: (environment) => s3FromEnvironment(environment, 'HOLDFAST_TEST_S3'),
}
