import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { ServerDefinition } from '../src/definition.ts'
import type { Machine } from '../src/settings.ts'
import { emptyFolder } from './empty-folder.ts'

export interface Toy {
  /** The source code of the server. Default: a program that is ready at once. */
  readonly program?: string
  readonly compiles?: boolean
  readonly hasEmulator?: boolean
  readonly secure?: ServerDefinition<'minio'>['secure']
  /** Installs the server. Default: writes the program into the folder. */
  readonly install?: (folder: string) => Promise<void>
}

export const readyAtOnce = `
  import { createServer } from 'node:http'
  createServer((_, response) => response.end('ready')).listen(Number(process.argv[2]), '127.0.0.1')
`

/** Returns the definition of a small server. It is installed, started and stopped like the real servers. */
export function toyServer({
  program = readyAtOnce,
  compiles = false,
  hasEmulator = true,
  secure,
  install,
}: Toy = {}): ServerDefinition<'minio'> {
  const write = async (folder: string): Promise<void> => writeFile(join(folder, 'toy.mjs'), program)
  return {
    kind: 'minio',
    name: 'Toy',
    version: '1',
    hasEmulator,
    installation: { from: 'cache', tools: [], compiles, install: install ?? write },
    runsOn: [],
    command: async ({ installed, port, folder }) => ({
      file: process.execPath,
      args: [join(installed, 'toy.mjs'), String(port), folder],
    }),
    ...(secure === undefined ? {} : { secure }),
    container: {
      image: 'toy:2',
      arguments: (port) => ({ args: [String(port)], environment: { TOY: 'yes' } }),
    },
    health: { path: '/', status: 200 },
    connection: (port) => ({
      endpoint: `http://127.0.0.1:${port}`,
      region: '',
      accessKeyId: '',
      secretAccessKey: '',
    }),
    fromEnvironment: ({ TOY_ENDPOINT: endpoint }) =>
      endpoint === undefined
        ? undefined
        : { name: endpoint, connection: { endpoint, region: '', accessKeyId: '', secretAccessKey: '' } },
  }
}

/** Returns a machine with an empty cache and these variables. It has Docker only if `dockerProgram` is passed. */
export async function emptyMachine(
  variables: NodeJS.ProcessEnv = {},
  dockerProgram?: string,
): Promise<Machine> {
  const folder = await emptyFolder()
  await mkdir(join(folder, 'bin'))
  if (dockerProgram !== undefined) {
    const docker = join(folder, 'bin', 'docker')
    await writeFile(docker, `#!${process.execPath}\n${dockerProgram}`)
    await chmod(docker, 0o755)
  }
  const environment = { XDG_CACHE_HOME: join(folder, 'cache'), PATH: join(folder, 'bin'), ...variables }
  return { environment, prefersEmulators: false, log: () => undefined }
}
