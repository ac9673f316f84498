/** The price of the checkpoints for a month. `price` is that of one GB. */
export function monthlyCost(bytes: number, price: number): number {
  return (bytes / 1e9) * price
}
