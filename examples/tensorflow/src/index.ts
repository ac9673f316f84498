export { holdfast, type ModelOptions } from './handler.ts'
export { restored } from './restored.ts'
