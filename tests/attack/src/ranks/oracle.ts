import type { Message } from './messages.ts'

/** Knows what the ranks of a job are promised, by what the processes tell. */
export class JobOracle {
  readonly violations: string[] = []
  resumes = 0
  acknowledged = 0
  /** From which step and generation each start of the job went on. */
  readonly #resumed = new Map<number, { readonly step: number; readonly generation: number }>()
  #highest = 0

  hear(rank: number, generation: number, message: Message): void {
    const who = `rank ${rank} of start ${generation}`
    if (message.kind === 'broken') this.violations.push(`${who}: ${message.what}`)
    else if (message.kind === 'restored') this.#hearRestored(who, generation, message)
    else if (message.kind === 'saved') this.#hearSaved(who, generation, message.step)
    else if (message.kind === 'ended' && message.code !== 'FENCED' && message.code !== 'INCOMPLETE')
      this.violations.push(`${who} ended with ${message.code}: ${message.message}`)
  }

  #hearRestored(
    who: string,
    start: number,
    { step, generation }: { readonly step: number; readonly generation: number },
  ): void {
    const known = this.#resumed.get(start)
    if (known === undefined) {
      this.resumes += 1
      this.#resumed.set(start, { step, generation })
      if (step < this.#highest)
        this.violations.push(
          `R3: ${who} resumes from step ${step}, and step ${this.#highest} was acknowledged`,
        )
    } else if (known.step !== step || known.generation !== generation) {
      this.violations.push(
        `R2: ${who} resumes from step ${step}, and another rank of it from step ${known.step}`,
      )
    }
  }

  #hearSaved(who: string, start: number, step: number): void {
    this.acknowledged += 1
    this.#highest = Math.max(this.#highest, step)
    const newest = Math.max(...this.#resumed.keys())
    const from = this.#resumed.get(newest)?.step ?? 0
    if (start < newest && step > from)
      this.violations.push(`R4: ${who} saved step ${step} after start ${newest} had chosen step ${from}`)
  }
}
