import { testFaults } from './faults.ts'

const effort = Number(process.env['HOLDFAST_TEST_EFFORT'] ?? 1)

// With a stride of 5, each effect fails with one of the five errors.
testFaults(effort < 5 ? 5 : 1)
