import { testSchedules } from './schedules.ts'

const effort = Number(process.env['HOLDFAST_TEST_EFFORT'] ?? 1)

testSchedules(1000 * effort)
