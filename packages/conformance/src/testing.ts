export { collect, hangingAfter, inTwoGoes, oddChunks, patterned, sha256 } from './bytes.ts'
export { codeOf } from './code-of.ts'
