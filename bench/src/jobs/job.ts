/** A job that uses every core, all the time. */
export interface Job extends AsyncDisposable {
  /** Returns the number of steps so far. */
  readonly steps: () => Promise<number>
}

/** Returns the mean time of a step in microseconds, over all cores, while `work` runs. */
export async function timeOfStep(job: Job, work: () => Promise<unknown>): Promise<number> {
  const before = await job.steps()
  const began = performance.now()
  await work()
  const elapsed = performance.now() - began
  return (elapsed * 1000) / Math.max(1, (await job.steps()) - before)
}
