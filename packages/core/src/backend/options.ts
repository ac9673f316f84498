/** The options of each method of the port, for `refuseUnknownOptions`. */
export const portOptions = {
  place: ['signal'],
  put: ['size', 'contentType', 'signal', 'onProgress'],
  commit: ['onCreated', 'signal'],
  read: ['range', 'signal'],
  stat: ['signal'],
  list: ['startAfter', 'limit', 'signal'],
  delete: ['signal'],
  hash: ['signal'],
  freeSpace: ['signal'],
  sweep: ['olderThan', 'prefix', 'only', 'dryRun', 'signal'],
} as const satisfies Readonly<Record<string, readonly string[]>>
