export { FreedSpace, type HeldSpace } from './freed-space.ts'
export {
  judgeSpace,
  type Need,
  type Room,
  spaceLimits,
  type SpaceLimits,
  type SpaceOptions,
  type SpaceThreshold,
  thresholdSchema,
  type SpaceVerdict,
} from './guard.ts'
export { formatSize, isSize, parseSize, type Size, sizeSchema } from './size.ts'
