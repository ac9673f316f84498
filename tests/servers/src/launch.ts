import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeCertificates } from './certificates.ts'
import type { Command, Place, Secure, ServerDefinition } from './definition.ts'
import { freePort } from './free-port.ts'
import type { RunningServer, ServerKind } from './kinds.ts'
import { EarlyExitError, ServerProcess } from './server-process.ts'
import { removeFolder, temporaryFolder } from './temporary-folder.ts'

export interface Launch {
  readonly how: 'installed' | 'docker'
  readonly version: string
  readonly environment: NodeJS.ProcessEnv
  readonly command: (place: Omit<Place, 'installed'>) => Promise<Command>
  /** Whether the server speaks TLS, with certificates that are made for it. */
  readonly secure?: boolean
}

/** Number of attempts if the server exits at once, because another process may have taken its port. */
const maxAttempts = 3

/** Starts a server on a free port, with a new folder for its data. */
export async function launch<K extends ServerKind>(
  definition: ServerDefinition<K>,
  how: Launch,
): Promise<RunningServer<K>> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await launchOnce(definition, how)
    } catch (error) {
      if (attempt === maxAttempts || !(error instanceof EarlyExitError)) throw error
    }
  }
}

async function launchOnce<K extends ServerKind>(
  { kind, name, health, connection, secure }: ServerDefinition<K>,
  { how, version, environment, command, secure: isSecure = false }: Launch,
): Promise<RunningServer<K>> {
  const folder = await temporaryFolder(tmpdir(), `holdfast-${kind}-`)
  try {
    const port = await freePort()
    const tls = isSecure && secure !== undefined ? await certified(secure, folder) : undefined
    const server = await ServerProcess.start({
      name: `${name} ${version}`,
      command: await command({ folder, port }),
      environment,
      port,
      health,
      authority: tls?.authority,
      log: join(folder, 'server.log'),
    })
    const stop = async (): Promise<void> => {
      await server.stop()
      await removeFolder(folder)
    }
    const started = { kind, name, version, how, stop }
    return tls === undefined
      ? { ...started, connection: connection(port) }
      : { ...started, connection: tls.connection(port), authority: tls.authority }
  } catch (error) {
    await removeFolder(folder)
    throw error
  }
}

async function certified<K extends ServerKind>(
  { install, connection }: Secure<K>,
  folder: string,
): Promise<Pick<Secure<K>, 'connection'> & { readonly authority: string }> {
  const made = join(folder, 'made-certificates')
  await mkdir(made)
  const certificates = await makeCertificates(made)
  await install(certificates, folder)
  return { connection, authority: certificates.authority }
}
