/** The size of the work and the number of its rounds. */
export interface Scale {
  readonly quick: boolean
  readonly rounds: number
  /** Size in bytes of a large checkpoint. */
  readonly bytes: number
  /** Size in bytes of a background save. */
  readonly backgroundBytes: number
  /** Number of files in a checkpoint of many small files. Each has `smallBytes` bytes. */
  readonly files: number
  readonly smallBytes: number
  /** Number of small saves in one run. */
  readonly saves: number
  /** Numbers of checkpoints in a store. The others are compared with the first. */
  readonly growth: readonly number[]
  /** Number of samples in an epoch. */
  readonly samples: number
  /** Number of samples in an order that is stored in memory. */
  readonly materialised: number
  /** Numbers of threads that transfer a large file. */
  readonly threads: readonly number[]
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
  threads: [1, 2],
}

/** The scale of `--quick`. It is large enough for every code path, including uploads in several parts. */
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
  threads: [1, 2],
}
