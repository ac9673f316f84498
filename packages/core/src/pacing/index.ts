export { parseRate, type Rate, rateSchema } from './rate.ts'
export {
  type Clock,
  type Pace,
  paceOf,
  type TransferLimits,
  type Transfers,
  transfersOf,
} from './transfers.ts'
