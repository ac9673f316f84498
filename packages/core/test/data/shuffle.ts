import { Permutation } from '../../src/data.ts'

/** The numbers of a permutation, by position. */
export function shuffle(size: number, seed: number, epoch: number): readonly number[] {
  const permutation = new Permutation(size, seed, epoch)
  return Array.from({ length: size }, (_, position) => permutation.at(position))
}
