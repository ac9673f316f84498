export { parseRate, type Rate, rateSchema } from './rate.ts'
export {
  type Clock,
  limitOf,
  type Pace,
  type RateLimit,
  type TransferLimits,
  type Transfers,
  transfersOf,
} from './transfers.ts'
