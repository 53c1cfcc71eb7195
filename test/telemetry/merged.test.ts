import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { countedOnly, type MetricValues, mergeMetrics, valuesOf, writeMetrics } from '../../src/telemetry/merged.ts'
import { createMetrics, openMetricsOf } from '../../src/telemetry/metrics.ts'

async function processOf(work: (metrics: ReturnType<typeof createMetrics>) => void) {
  const registry = new Registry()
  work(createMetrics(registry))
  return { values: await valuesOf(registry), text: await registry.metrics(), open: openMetricsOf(registry) }
}

const lineOf = (text: string, start: string) => text.split('\n').find((line) => line.startsWith(start))

describe('the metrics of several processes', () => {
  it('are written as one process writes them, where there is only one', async () => {
    const { values, text } = await processOf((metrics) => metrics.count('requests', { mode: 'forward', outcome: 'paid' }))
    const written = await writeMetrics(mergeMetrics([values]), Registry.PROMETHEUS_CONTENT_TYPE)
    const ours = (all: string) => all.split('\n').filter((line) => line.startsWith('purser_'))
    expect(ours(written)).toEqual(ours(text))
  })

  it('add up: counters, histograms by bucket, and gauges that are shares of a whole', async () => {
    const one = await processOf((metrics) => {
      metrics.count('requests', { mode: 'forward', outcome: 'paid' }, 2)
      metrics.observe('requestDuration', { mode: 'forward' }, 0.0015)
      metrics.move('upstreamConnections', {}, 3)
    })
    const two = await processOf((metrics) => {
      metrics.count('requests', { mode: 'forward', outcome: 'paid' }, 5)
      metrics.count('requests', { mode: 'reverse', outcome: 'passed' })
      metrics.observe('requestDuration', { mode: 'forward' }, 0.5)
      metrics.move('upstreamConnections', {}, 4)
    })
    const text = await writeMetrics(mergeMetrics([one.values, two.values]), Registry.PROMETHEUS_CONTENT_TYPE)
    expect(lineOf(text, 'purser_requests_total{mode="forward",outcome="paid"}')).toMatch(/ 7$/)
    expect(lineOf(text, 'purser_requests_total{mode="reverse",outcome="passed"}')).toMatch(/ 1$/)
    expect(lineOf(text, 'purser_request_duration_seconds_bucket{le="0.002",mode="forward"}')).toMatch(/ 1$/)
    expect(lineOf(text, 'purser_request_duration_seconds_count{mode="forward"}')).toMatch(/ 2$/)
    expect(lineOf(text, 'purser_upstream_connections ')).toMatch(/ 7$/)
  })

  it('have the start and the version of the first, and as many descriptors as the least has', async () => {
    const [one, two] = [await processOf(() => undefined), await processOf(() => undefined)]
    const text = await writeMetrics(mergeMetrics([one.values, two.values]), Registry.PROMETHEUS_CONTENT_TYPE)
    for (const name of ['process_start_time_seconds', 'nodejs_version_info', 'process_max_fds']) {
      expect(lineOf(text, `${name}`)).toBe(lineOf(one.text, `${name}`))
    }
  })

  it('keep their exemplars and their names in the format that carries them', async () => {
    const told = { exchange_id: 'exc_1' }
    const one = await processOf((metrics) => {
      metrics.count('receipts', {})
      metrics.observe('requestDuration', { mode: 'forward' }, 0.0015, told)
    })
    const two = await processOf((metrics) => metrics.count('receipts', {}))
    const text = await writeMetrics(mergeMetrics([one.values, two.values]), Registry.OPENMETRICS_CONTENT_TYPE)
    expect(text).toContain('purser_receipts_total 2\n')
    expect(text).not.toContain('_total_total')
    expect(lineOf(text, 'purser_request_duration_seconds_bucket{le="0.002"')).toContain('# {exchange_id="exc_1"}')
    expect(text.endsWith('# EOF\n')).toBe(true)
  })

  it('never go back when a process is gone: what it counted stays, what it measured goes', () => {
    const metric = (type: string, value: number): MetricValues => ({ name: type, help: '', type, values: [{ value, labels: {} }] })
    const gone = countedOnly([metric('counter', 3), metric('histogram', 2), metric('gauge', 9)])
    const merged = mergeMetrics([[metric('counter', 1), metric('gauge', 1)], gone])
    expect(merged.map(({ name, values }) => [name, values[0]?.value])).toEqual([
      ['counter', 4],
      ['gauge', 1],
      ['histogram', 2],
    ])
  })
})
