export { groups } from './groups.ts'
export { reportOf } from './harness/report.ts'
export { quickScale } from './harness/scale.ts'
export { runGroups } from './run-groups.ts'
