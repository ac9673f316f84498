import { fork } from 'node:child_process'
import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'

export interface MirrorLoopOptions {
  /** An empty folder for the local disk and for what is restored. */
  readonly folder: string
  /** The location of the mirror, and the environment variables with which a process opens it. */
  readonly mirror: { readonly url: string; readonly env: NodeJS.ProcessEnv }
  readonly seed: number
  readonly rounds: number
  readonly onRound?: ((round: number) => void) | undefined
}

export interface MirrorLoopReport {
  /** How often the disk was deleted. */
  readonly lostDisks: number
  /** The latest step that was reported as mirrored. */
  readonly mirrored: number
}

interface Message {
  readonly kind: 'restored' | 'saved' | 'mirrored'
  readonly step: number
}

/** The longest life of a process after its restore, in milliseconds. */
const longestLife = 2500

/**
 * Repeatedly starts a job with a mirror, kills it with SIGKILL at a random moment, and deletes its disk at random. The next
 * process must continue from the latest checkpoint that its disk acknowledged or, if the disk was deleted, from at least the
 * latest one that was reported as mirrored. Rejects with the fault, the seed and the round.
 */
export async function mirrorLoop(options: MirrorLoopOptions): Promise<MirrorLoopReport> {
  const { folder, seed, rounds, onRound } = options
  const disk = join(folder, 'disk')
  let state = seed % 2_147_483_647 || 1
  const below = (limit: number): number => {
    state = (state * 16_807) % 2_147_483_647
    return state % limit
  }
  let [saved, mirrored, lostDisks] = [0, 0, 0]
  let isLost = false
  for (let round = 1; round <= rounds; round += 1) {
    // The first process lives until the mirror has something.
    const life = await lifeOf(disk, options, round === 1 ? 'until mirrored' : below(longestLife))
    const expected = isLost ? mirrored : saved
    const fault =
      life.restored === undefined
        ? life.fault
        : life.restored < expected
          ? `restored ${life.restored}`
          : undefined
    if (fault !== undefined)
      throw new Error(`Seed ${seed}, round ${round}: expected step ${expected} or later, but ${fault}`)
    saved = Math.max(life.restored ?? 0, life.saved)
    mirrored = Math.max(mirrored, life.mirrored)
    isLost = below(3) === 0
    if (isLost) {
      await rm(disk, { recursive: true, force: true })
      lostDisks += 1
    }
    onRound?.(round)
  }
  return { lostDisks, mirrored }
}

interface Life {
  readonly restored: number | undefined
  readonly saved: number
  readonly mirrored: number
  /** Why it did not restore. */
  readonly fault: string
}

/** Runs one process until it is killed. */
async function lifeOf(
  disk: string,
  { folder, mirror }: MirrorLoopOptions,
  length: number | 'until mirrored',
): Promise<Life> {
  const words = [disk, mirror.url, join(folder, 'restored')]
  const child = fork(join(import.meta.dirname, '../programs/mirror-worker.ts'), words, {
    env: mirror.env,
    execArgv: [],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let fault = ''
  child.stderr?.on('data', (chunk: Buffer) => {
    fault += chunk.toString()
  })
  const latest = new Map<Message['kind'], number>()
  const awaited = new Promise((resolve) => {
    child.on('message', (message) => {
      const { kind, step } = message as Message
      latest.set(kind, Math.max(latest.get(kind) ?? 0, step))
      if (kind === (length === 'until mirrored' ? 'mirrored' : 'restored')) resolve(undefined)
    })
  })
  const closed = once(child, 'close') // after its last message, and all that it wrote
  await Promise.race([awaited, closed])
  if (length !== 'until mirrored') await Promise.race([setTimeout(length), closed])
  child.kill('SIGKILL')
  await closed
  return {
    restored: latest.get('restored'),
    saved: latest.get('saved') ?? 0,
    mirrored: latest.get('mirrored') ?? 0,
    fault,
  }
}
