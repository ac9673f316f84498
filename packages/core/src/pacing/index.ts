export { BusyLimit, defaultRateWhileBusy } from './busy-limit.ts'
export { type Load, measureLoad } from './load.ts'
export { Machine } from './machine.ts'
export { parseRate, type Rate, rateSchema } from './rate.ts'
export {
  type Clock,
  limitOf,
  type Pace,
  type RateLimit,
  type TransferLimits,
  type Transfers,
  transfersOf,
  withLimit,
} from './transfers.ts'
