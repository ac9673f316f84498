export { recordMetrics, type RecordMetricsOptions } from './record-metrics.ts'
