export {
  judgeSpace,
  type Need,
  type Room,
  spaceLimits,
  type SpaceLimits,
  type SpaceOptions,
  type SpaceThreshold,
  type SpaceVerdict,
} from './guard.ts'
export { formatSize, parseSize, type Size } from './size.ts'
