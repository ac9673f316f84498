/** How large the work is, and how often it is done. */
export interface Scale {
  readonly quick: boolean
  readonly rounds: number
  /** Of a large checkpoint. */
  readonly bytes: number
  /** Of what is saved in the background. */
  readonly backgroundBytes: number
  /** Of a checkpoint of many files, of `smallBytes` each. */
  readonly files: number
  readonly smallBytes: number
  /** Small saves in one run. */
  readonly saves: number
  /** Checkpoints of a run that has grown; the first is what the others are held against. */
  readonly growth: readonly number[]
  /** Samples of an epoch. */
  readonly samples: number
  /** Samples of an order that is held in memory. */
  readonly materialised: number
}

const mebibyte = 2 ** 20

export const fullScale: Scale = {
  quick: false,
  rounds: 7,
  bytes: 1024 * mebibyte,
  backgroundBytes: 512 * mebibyte,
  files: 10_000,
  smallBytes: 65_536,
  saves: 30,
  growth: [10, 1_000, 10_000, 100_000],
  samples: 1e9,
  materialised: 1e7,
}

/** Enough for every path of the code, an upload in several parts among them. */
export const quickScale: Scale = {
  quick: true,
  rounds: 1,
  bytes: 18 * mebibyte,
  backgroundBytes: 4 * mebibyte,
  files: 12,
  smallBytes: 65_536,
  saves: 2,
  growth: [10, 100],
  samples: 1e9,
  materialised: 1e4,
}
