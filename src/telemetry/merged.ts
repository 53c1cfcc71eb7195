/** The metrics of several processes as those of one program. */
import { type OpenMetricsContentType, type PrometheusContentType, Registry } from 'prom-client'

/** A metric with its values, as a registry tells them. */
export interface MetricValues {
  readonly name: string
  readonly help: string
  readonly type: string
  readonly aggregator?: string
  readonly values: readonly MetricValue[]
}

interface MetricValue {
  readonly value: number
  readonly labels: Readonly<Record<string, string | number>>
  /** Of a histogram: its name with `_bucket`, `_sum` or `_count`. */
  readonly metricName?: string
  readonly exemplar?: unknown
}

/** Of one process in place of a sum. The first that is merged is the primary's. */
const MERGED: Readonly<Record<string, (values: readonly number[]) => number>> = {
  sum: (values) => values.reduce((sum, value) => sum + value, 0),
  first: ([first = 0]) => first,
  // A start that was left out would be no start at all: the program's is its primary's.
  omit: ([first = 0]) => first,
  average: (values) => values.reduce((sum, value) => sum + value, 0) / values.length,
  min: (values) => Math.min(...values),
  max: (values) => Math.max(...values),
}
const OWN: Readonly<Record<string, string>> = { process_max_fds: 'min' }

/** What a registry holds. */
export async function valuesOf(registry: Pick<Registry, 'getMetricsAsJSON'>): Promise<readonly MetricValues[]> {
  return (await registry.getMetricsAsJSON()).map(({ name, help, type, aggregator, values }) => ({
    ...{ name, help, type: String(type), aggregator: String(aggregator) },
    values: values.map((value) => ({ ...value, labels: labelsOf(value.labels) })),
  }))
}

function labelsOf(labels: Readonly<Record<string, string | number | undefined>>): MetricValue['labels'] {
  return Object.fromEntries(Object.entries(labels).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

/** Sums, but for what says otherwise of itself. An exemplar of any of them is kept. */
export function mergeMetrics(processes: readonly (readonly MetricValues[])[]): readonly MetricValues[] {
  const byName = new Map<string, MetricValues[]>()
  for (const metric of processes.flat()) byName.set(metric.name, [...(byName.get(metric.name) ?? []), metric])
  return [...byName.values()].flatMap(([first, ...more]) => (first ? [{ ...first, values: mergeValues(first, [first, ...more]) }] : []))
}

function mergeValues({ name, aggregator = 'sum' }: MetricValues, metrics: readonly MetricValues[]): MetricValue[] {
  const merge = MERGED[OWN[name] ?? aggregator] ?? MERGED.sum
  const byLabels = new Map<string, MetricValue[]>()
  for (const value of metrics.flatMap(({ values }) => values)) {
    const key = `${value.metricName ?? ''} ${JSON.stringify(Object.entries(value.labels).sort())}`
    byLabels.set(key, [...(byLabels.get(key) ?? []), value])
  }
  return [...byLabels.values()].flatMap((values) => {
    const [first] = values
    const exemplar = values.findLast((value) => value.exemplar !== undefined && value.exemplar !== null)?.exemplar
    if (!first || !merge) return []
    return [{ ...first, value: merge(values.map(({ value }) => value)), ...(exemplar === undefined ? {} : { exemplar }) }]
  })
}

/** What a process that is gone has counted. What it measured at a moment went with it. */
export function countedOnly(metrics: readonly MetricValues[]): readonly MetricValues[] {
  return metrics.filter(({ type }) => type === 'counter' || type === 'histogram')
}

/** The text of these metrics, as a registry of this content type writes them. */
export async function writeMetrics(
  metrics: readonly MetricValues[],
  contentType: PrometheusContentType | OpenMetricsContentType,
): Promise<string> {
  const registry = new Registry<PrometheusContentType | OpenMetricsContentType>()
  registry.setContentType(contentType)
  for (const metric of metrics) {
    // As much of a metric as the writer asks for, which renames counters where its format wants that.
    const written = { ...metric, get: () => ({ ...metric, name: written.name }) }
    registry.registerMetric(written as unknown as Parameters<typeof registry.registerMetric>[0])
  }
  return registry.metrics()
}
