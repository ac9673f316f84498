/** Folders that operating systems create at the root of a volume. Often only an administrator may read them. */
const foldersOfSystems: ReadonlySet<string> = new Set([
  'lost+found',
  'System Volume Information',
  '$RECYCLE.BIN',
  '.DocumentRevisions-V100',
  '.Spotlight-V100',
  '.TemporaryItems',
  '.Trashes',
  '.fseventsd',
])

/** Returns whether a folder, given by its key with a slash, is one that an operating system creates. */
export function isFolderOfSystem(folder: string): boolean {
  return foldersOfSystems.has(folder.split('/').at(-2) ?? '')
}
