/** The bytes of a step. Every process makes the same bytes, so that each can check what it restored. */
export function contentOf(step: number): Buffer {
  return Buffer.alloc(50_000 + (step % 7) * 100_000, `the model of step ${step}. `)
}
