import type { ServerDefinition } from './definition.ts'
import { openssl } from './certificates.ts'
import { docker, runInDocker, versionOfImage } from './docker.ts'
import { ensureInstalled } from './install.ts'
import type { RunningServer, ServerKind, UnavailableServer } from './kinds.ts'
import { launch } from './launch.ts'
import { missingTools, run } from './run.ts'
import { definitions } from './servers/index.ts'
import { inCi, type Machine, thisMachine } from './settings.ts'

/** Starts a server from one origin, or returns the reason why that is impossible. */
type Starter = <K extends ServerKind>(
  definition: ServerDefinition<K>,
  machine: Machine,
) => Promise<RunningServer<K> | { readonly reason: string }>

/** The starters in their order. The first one that succeeds is used. */
const starters: readonly Starter[] = [fromEnvironment, installed, inDocker]

/**
 * Returns a real server of a kind: the one that the environment names, otherwise one that is installed, otherwise one
 * in Docker. If none is available, returns the reasons, and the tests use an emulator. Rejects instead in CI. Also
 * rejects, with the end of the server's log, if a server fails to start.
 */
export async function startServer<K extends ServerKind>(
  kind: K,
  machine: Machine = thisMachine,
): Promise<RunningServer<K> | UnavailableServer<K>> {
  return startFirst<K>(definitions[kind], machine)
}

/**
 * Returns an installed server that speaks TLS. Its certificate is signed by an authority below the root that `authority`
 * names, and is valid for `localhost` and `127.0.0.1`.
 */
export async function startSecureServer<K extends ServerKind>(
  kind: K,
  machine: Machine = thisMachine,
): Promise<RunningServer<K> | UnavailableServer<K>> {
  return startSecure<K>(definitions[kind], machine)
}

export async function startSecure<K extends ServerKind>(
  definition: ServerDefinition<K>,
  machine: Machine,
): Promise<RunningServer<K> | UnavailableServer<K>> {
  const { kind, name } = definition
  if (definition.secure === undefined) throw new Error(`${name} is never started with TLS`)
  const missing = await missingTools([openssl], machine.environment)
  const outcome =
    missing.length > 0
      ? { reason: `a certificate requires ${missing.join(' and ')}` }
      : await installed(definition, machine, true)
  return 'how' in outcome ? outcome : { kind, name, how: 'unavailable', reason: outcome.reason }
}

export async function startFirst<K extends ServerKind>(
  definition: ServerDefinition<K>,
  machine: Machine,
): Promise<RunningServer<K> | UnavailableServer<K>> {
  const { kind, name, hasEmulator } = definition
  const isLeftOut = hasEmulator && machine.prefersEmulators
  const reasons: string[] = []
  for (const start of isLeftOut ? [fromEnvironment] : starters) {
    const outcome = await start(definition, machine)
    if ('how' in outcome) return outcome
    reasons.push(outcome.reason)
  }
  if (isLeftOut) return { kind, name, how: 'unavailable', reason: 'it is used only by the long tests' }
  const reason = reasons.join('; ')
  if (inCi(machine.environment)) {
    throw new Error(`${name} is not available: ${reason}. Tests in CI require a real server.`)
  }
  return { kind, name, how: 'unavailable', reason }
}

async function fromEnvironment<K extends ServerKind>(
  definition: ServerDefinition<K>,
  { environment }: Machine,
): Promise<RunningServer<K> | { readonly reason: string }> {
  const server = definition.fromEnvironment(environment)
  if (server === undefined) return { reason: 'no environment variable names a server' }
  return { kind: definition.kind, how: 'environment', ...server, stop: async () => undefined }
}

async function installed<K extends ServerKind>(
  definition: ServerDefinition<K>,
  machine: Machine,
  secure = false,
): Promise<RunningServer<K> | { readonly reason: string }> {
  const missing = await missingTools(definition.runsOn, machine.environment)
  if (missing.length > 0) return { reason: `it requires ${missing.join(' and ')}` }
  const found = await ensureInstalled(definition, machine)
  if ('reason' in found) return found
  return launch(definition, {
    how: 'installed',
    version: definition.version,
    environment: machine.environment,
    command: async (place) => definition.command({ ...place, installed: found.folder }),
    secure,
  })
}

async function inDocker<K extends ServerKind>(
  definition: ServerDefinition<K>,
  { environment }: Machine,
): Promise<RunningServer<K> | { readonly reason: string }> {
  const { container } = definition
  if ((await missingTools([docker], environment)).length > 0) return { reason: 'no Docker daemon is running' }
  try {
    await run('docker', ['pull', '--quiet', container.image], { environment })
  } catch (error) {
    return { reason: error instanceof Error ? error.message : String(error) }
  }
  return launch(definition, {
    how: 'docker',
    version: versionOfImage(container),
    environment,
    command: async ({ port }) => runInDocker(container, port),
  })
}
