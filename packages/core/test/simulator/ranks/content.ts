/** What a process writes into its file: who it is, and the steps on which its state is built. */
export interface Content {
  readonly process: string
  readonly rank: number
  /** The steps since the beginning, in the order in which the run saved them. */
  readonly lineage: string
  /** 2 in bytes that differ from those that the process has saved at the same step, and are as many. */
  readonly variant: 1 | 2
}

export function bytesOf(content: Content): Buffer {
  return Buffer.from(JSON.stringify(content))
}

/** The UUID of a simulated process contains its name, of up to 3 letters. */
const uuidPrefix = '00000000-0000-4000-8000-'

export function idsOf(process: string): () => string {
  const name = Buffer.from(process.padStart(3, ' ')).toString('hex')
  let ids = 0
  return () => {
    ids += 1
    return `${uuidPrefix}${name}${String(ids).padStart(6, '0')}`
  }
}

export function processOf(uuid: string): string {
  return Buffer.from(uuid.slice(uuidPrefix.length, uuidPrefix.length + 6), 'hex')
    .toString()
    .trim()
}
