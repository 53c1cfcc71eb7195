/** Traces end to end: a whole Purser that pays for real, a collector that takes its spans, and the way from a slow payment to its line. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type PaidPurser, startPaidPurser } from '../deploy/paid-purser.ts'
import { type CollectedSpan, type Collector, startCollector } from '../telemetry/collector.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const STEPS = ['challenge', 'quote', 'decide', 'reserve', 'sign', 'retry', 'conclude']

let collector: Collector
let world: PaidPurser
let exposition: string
let lines: Record<string, unknown>[]
const started = new AsyncDisposableStack()

beforeAll(async () => {
  collector = started.use(await startCollector())
  const traces = { endpoint: collector.endpoint, headers: { authorization: 'Bearer canary-otlp' }, sampleRatio: 1 }
  world = started.use(await startPaidPurser({ telemetry: { traces } }))
  await world.ask('/weather?key=canary-query', { traceparent: `00-${TRACE}-00f067aa0ba902b7-01`, 'x-api-key': 'canary-header' })
  const accept = 'application/openmetrics-text;version=1.0.0,text/plain;q=0.5'
  exposition = await (await fetch(`${world.metricsUrl}/metrics`, { headers: { accept } })).text()
  await world.purser.app.drain()
  lines = world.purser.log.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'exchange')
})
afterAll(() => started.disposeAsync())

const below = ({ spanId }: CollectedSpan) => collector.spans.filter(({ parentSpanId }) => parentSpanId === spanId).map(({ name }) => name)
const spanOf = (found: (span: CollectedSpan) => boolean) => {
  const span = collector.spans.find(found)
  if (!span) throw new Error('there is no such span')
  return span
}

describe('traces', () => {
  it('show a paid request and each of its steps, in the agent’s own trace', () => {
    const span = spanOf(({ traceId, parentSpanId }) => traceId === TRACE && parentSpanId === '00f067aa0ba902b7')
    expect(below(span)).toEqual(STEPS)
    expect(span.attributes).toMatchObject({ 'purser.outcome': 'paid', 'http.response.status_code': 200, 'url.path': '/weather' })
  })

  it('show people’s part of a payment, and what was refused with its reason', () => {
    const asked = spanOf(({ attributes }) => attributes['url.path'] === '/stream')
    expect(below(asked)).toContain('approve')
    const refused = spanOf(({ attributes }) => attributes['purser.code'] === 'tier_prohibited')
    expect(below(refused)).toEqual(['challenge', 'quote', 'decide'])
  })

  it('have a line of the log each, with the trace’s id', () => {
    const whole = collector.spans.filter(({ attributes }) => 'purser.exchangeId' in attributes)
    expect(whole.map(({ traceId, attributes }) => [attributes['purser.exchangeId'], traceId]).sort()).toEqual(
      lines.map(({ exchangeId, trace }) => [exchangeId, trace]).sort(),
    )
    expect(whole.length).toBeGreaterThan(6)
  })

  it('are found from a slow bucket by its exemplar, and so is the line', () => {
    const found = [...exposition.matchAll(/^purser_request_duration_seconds_bucket\{.*# \{exchange_id="([^"]+)",trace_id="([^"]+)"\}/gm)]
    expect(found.length).toBeGreaterThan(0)
    for (const [, exchangeId, trace] of found)
      expect(lines.filter((line) => line.exchangeId === exchangeId && line.trace === trace)).toHaveLength(1)
    expect(exposition).toMatch(/^purser_payment_phase_seconds_bucket\{.*phase="sign".*# \{trace_id="[0-9a-f]{32}"\}/m)
  })

  it('carry no query, no header, no token and no signature', () => {
    const sent = collector.bodies.join('\n')
    for (const secret of ['canary', world.purser.adminToken, 'pst_']) expect(sent).not.toContain(secret)
    expect(sent).not.toMatch(/0x[0-9a-f]{128}/)
    expect(collector.headers[0]).toMatchObject({ authorization: 'Bearer canary-otlp' })
  })
})
