/** What the task `uploads` of `saving-writer.ts` reports: a share of the current file that is written, or a save that is acknowledged. */
export type UploadMessage =
  | { readonly kind: 'written'; readonly share: number }
  | { readonly kind: 'saved'; readonly step: number }
