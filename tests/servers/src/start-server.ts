import type { ServerDefinition } from './definition.ts'
import { docker, runInDocker, versionOfImage } from './docker.ts'
import { ensureInstalled } from './install.ts'
import type { RunningServer, ServerKind, UnavailableServer } from './kinds.ts'
import { launch } from './launch.ts'
import { missingTools, run } from './run.ts'
import { definitions } from './servers/index.ts'
import { inCi, type Machine, thisMachine } from './settings.ts'

/** A way to come by a server: it runs, or the way is not open, for a reason. */
type Way = <K extends ServerKind>(
  definition: ServerDefinition<K>,
  machine: Machine,
) => Promise<RunningServer<K> | { readonly reason: string }>

/** In this order: the first that is open is taken. */
const ways: readonly Way[] = [ofTheEnvironment, installed, inDocker]

/**
 * The real server of a kind: the one that the environment names, else one installed on this machine, else one in
 * Docker. Where none can be had, it says why, and the tests fall back to an emulator; in CI it rejects. It
 * rejects too when a server is there but does not start, with the end of its log.
 */
export async function startServer<K extends ServerKind>(
  kind: K,
  machine: Machine = thisMachine,
): Promise<RunningServer<K> | UnavailableServer<K>> {
  return startFirst<K>(definitions[kind], machine)
}

export async function startFirst<K extends ServerKind>(
  definition: ServerDefinition<K>,
  machine: Machine,
): Promise<RunningServer<K> | UnavailableServer<K>> {
  const { kind, name, hasEmulator } = definition
  const isLeftOut = hasEmulator && machine.prefersEmulators
  const reasons: string[] = []
  for (const way of isLeftOut ? [ofTheEnvironment] : ways) {
    const outcome = await way(definition, machine)
    if ('how' in outcome) return outcome
    reasons.push(outcome.reason)
  }
  if (isLeftOut) return { kind, name, how: 'unavailable', reason: 'it runs with the long tests' }
  const reason = reasons.join('; ')
  if (inCi(machine.environment)) {
    throw new Error(`In CI the tests need a real ${name}, and there is none: ${reason}.`)
  }
  return { kind, name, how: 'unavailable', reason }
}

async function ofTheEnvironment<K extends ServerKind>(
  definition: ServerDefinition<K>,
  { environment }: Machine,
): Promise<RunningServer<K> | { readonly reason: string }> {
  const server = definition.fromEnvironment(environment)
  if (server === undefined) return { reason: 'the environment names none' }
  return { kind: definition.kind, how: 'environment', ...server, stop: async () => undefined }
}

async function installed<K extends ServerKind>(
  definition: ServerDefinition<K>,
  machine: Machine,
): Promise<RunningServer<K> | { readonly reason: string }> {
  const missing = await missingTools(definition.runsOn, machine.environment)
  if (missing.length > 0) return { reason: `running it needs ${missing.join(' and ')}` }
  const found = await ensureInstalled(definition, machine)
  if ('reason' in found) return found
  return launch(definition, {
    how: 'installed',
    version: definition.version,
    environment: machine.environment,
    command: async (place) => definition.command({ ...place, installed: found.folder }),
  })
}

async function inDocker<K extends ServerKind>(
  definition: ServerDefinition<K>,
  { environment }: Machine,
): Promise<RunningServer<K> | { readonly reason: string }> {
  const { container } = definition
  if ((await missingTools([docker], environment)).length > 0) return { reason: 'no Docker daemon answers' }
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
