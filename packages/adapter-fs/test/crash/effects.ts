/** The effects on a file system whose loss a crash can cause. Paths are absolute. */
export type Effect =
  | { readonly kind: 'create'; readonly path: string }
  | { readonly kind: 'write'; readonly path: string; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'sync file' | 'sync folder' | 'mkdir' | 'rmdir' | 'unlink'; readonly path: string }
  | { readonly kind: 'clone' | 'link' | 'rename'; readonly from: string; readonly to: string }
