const prefix = 'mirror of '

/** Returns the job as which the store with this id owns its mirror. */
export function mirrorJob(store: string): string {
  return `${prefix}${store}`
}

/** Returns whether the owner of a store is another store, whose mirror it is. */
export function isMirrorJob(job: string): boolean {
  return job.startsWith(prefix)
}
