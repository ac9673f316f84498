import { run } from '../harness/command.ts'

/** Copies a file with `cp`, and syncs the copy with `sync`, which calls fsync. Computes no digest. */
export async function copyAndSync(from: string, to: string): Promise<undefined> {
  await run('sh', ['-c', 'cp "$1" "$2" && sync "$2"', 'sh', from, to])
}

/** Copies a folder with `cp -r`, and syncs every file and folder of the copy. */
export async function copyFolderAndSync(from: string, to: string): Promise<undefined> {
  await run('sh', ['-c', 'cp -r "$1" "$2" && find "$2" -print0 | xargs -0 sync', 'sh', from, to])
}
