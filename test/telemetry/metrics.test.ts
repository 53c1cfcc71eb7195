import { Registry } from 'prom-client'
import { describe, expect, it } from 'vitest'
import { createLabelSet, createMetrics, METRICS, openMetricsOf } from '../../src/telemetry/metrics.ts'

describe('metrics', () => {
  it('makes every series of the table, with its type, labels and help', async () => {
    const registry = new Registry()
    createMetrics(registry)
    const made = await registry.getMetricsAsJSON()
    for (const { name, type, help } of METRICS) expect(made.find((metric) => metric.name === name)).toMatchObject({ type, help })
  })

  it('holds Node’s own series in the same registry', async () => {
    const registry = new Registry()
    createMetrics(registry)
    expect(await registry.metrics()).toContain('nodejs_eventloop_lag_seconds')
  })

  it('says in the format that carries exemplars whose the last observation of a bucket was, and changes no name in the other', async () => {
    const registry = new Registry()
    const metrics = createMetrics(registry)
    const twin = openMetricsOf(registry)
    metrics.count('requests', { mode: 'reverse', outcome: 'paid' })
    metrics.observe('requestDuration', { mode: 'reverse' }, 0.3, { exchange_id: 'exc_1' })
    metrics.observe('ledgerOperation', { operation: 'commit' }, 0.3, { exchange_id: 'exc_1' })
    const before = await registry.metrics()
    const text = await twin.metrics()
    expect(text).toMatch(/^purser_request_duration_seconds_bucket\{le="0.5",mode="reverse"\} 1 # \{exchange_id="exc_1"\} 0.3 \d+/m)
    expect(text).toContain('# TYPE purser_requests counter\npurser_requests_total{mode="reverse",outcome="paid"} 1')
    expect(text.endsWith('# EOF\n')).toBe(true)
    expect(text.match(/exc_1/g)).toHaveLength(1)
    expect(await twin.metrics()).toContain('\npurser_requests_total{mode="reverse",outcome="paid"} 1')
    const ours = (exposition: string) => exposition.split('\n').filter((line) => line.includes('purser_'))
    expect(ours(await registry.metrics())).toEqual(ours(before))
    expect(before).not.toContain('exc_1')
  })

  it('names only labels whose values come from bounded sets', () => {
    const labels = new Set(METRICS.flatMap((metric) => metric.labels))
    const bounded = [
      'mode',
      'outcome',
      'rail',
      'version',
      'tier',
      'decision',
      'code',
      'network',
      'scheme',
      'state',
      'phase',
      'step',
      'operation',
      // The files that the configuration names.
      'pool',
      'channel',
      'kind',
      'consequence',
      'percent',
    ]
    expect([...labels].filter((label) => !bounded.includes(label))).toEqual([])
  })

  it('forgets the values of a gauge that are not named any more', async () => {
    const registry = new Registry()
    const metrics = createMetrics(registry)
    metrics.set('sessions', [{ labels: { state: 'open' }, value: 3 }])
    metrics.set('sessions', [{ labels: { state: 'closed' }, value: 1 }])
    const text = await registry.metrics()
    expect(text).toContain('purser_sessions{state="closed"} 1')
    expect(text).not.toContain('state="open"')
  })
})

describe('label sets', () => {
  it('let only so many distinct values through; the rest are other', () => {
    const label = createLabelSet({ max: 2, form: /^[a-z]+$/ })
    expect(['a', 'b', 'c', 'a', 'd'].map(label)).toEqual(['a', 'b', 'other', 'a', 'other'])
  })

  it('let nothing of another form through and count it not', () => {
    const label = createLabelSet({ max: 1, form: /^[a-z]+$/ })
    expect(['0xCanary', 'x\n', 'a'].map(label)).toEqual(['other', 'other', 'a'])
  })

  it('call an empty value none', () => {
    expect(createLabelSet({ max: 0, form: /x/ })('')).toBe('none')
  })
})
