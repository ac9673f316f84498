import { fieldOf, stringFieldOf } from '@holdfast/core/backend'

/** The times of responses, by the output of the SDK, which omits the header `Date`. */
const times = new WeakMap<object, Date>()

/** Notes the time that a response states in its header `Date`. */
export function noteTime(output: object, response: unknown): void {
  const time = new Date(stringFieldOf(fieldOf(response, 'headers'), 'date') ?? NaN)
  if (!Number.isNaN(time.getTime())) times.set(output, time)
}

/** Returns the time by the store's clock at which it sent a response; `undefined` if the response does not state it. */
export function timeOf(output: object): Date | undefined {
  return times.get(output)
}
