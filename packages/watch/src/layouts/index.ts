export { type CustomLayout, customLayout } from './custom.ts'
export type { Layout } from './layout.ts'
export { detectableLayouts, type LayoutName, layoutNames, layouts } from './all.ts'
