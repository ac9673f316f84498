export { inOrderOfSaves } from './change.ts'
export { type Refusal } from './change.ts'
export {
  applyChange,
  type Change,
  type ChangeOf,
  describeChange,
  mirrorAfter,
  needsWhole,
  recordMetrics,
  retentionTerms,
  segmentsAfter,
} from './kinds.ts'
export { type Finding } from './quarantine.ts'
export { refusalOfSave, savedMeanwhile } from './save.ts'
export { notRemoved } from './undo.ts'
export { type CopyUpdate } from './update-copies.ts'
