export { HoldfastSaver } from './saver.ts'
