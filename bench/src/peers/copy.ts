import { run } from '../harness/command.ts'

/** `cp`, and `sync` of the copy, which is fsync: durable, without a digest. */
export async function copyAndSync(from: string, to: string): Promise<undefined> {
  await run('sh', ['-c', 'cp "$1" "$2" && sync "$2"', 'sh', from, to])
}

/** `cp -r`, and fsync of every file and folder of the copy. */
export async function copyFolderAndSync(from: string, to: string): Promise<undefined> {
  await run('sh', ['-c', 'cp -r "$1" "$2" && find "$2" -print0 | xargs -0 sync', 'sh', from, to])
}
