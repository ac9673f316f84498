export { collect, hangingAfter, pausingSource, oddChunks, patterned, sha256 } from './bytes.ts'
export { codeOf } from './code-of.ts'
