import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import type { ExchangeLine } from '../../src/telemetry/events.ts'
import { createOtlpTraces } from '../../src/telemetry/otlp-traces.ts'
import type { TracesOptions } from '../../src/telemetry/traces.ts'
import { startCollector } from './collector.ts'

const TRACE = '0af7651916cd43dd8448eb211c80319c'
const SPAN = 'b7ad6b7169203331'
const TRACEPARENT = `00-${TRACE}-${SPAN}-01`

const LINE: ExchangeLine = {
  exchangeId: 'exc_1',
  mode: 'intercept',
  outcome: 'paid',
  method: 'GET',
  target: 'https://api.example.com:8443/v1/search',
  status: 200,
  duration_ms: 40,
  bytes: 10,
  sessionId: 'ses_1',
  agent: 'researcher',
  extra: { paymentId: 'pay_1', tier: 'autonomous' },
}

async function rig(options: Partial<TracesOptions> = {}, status = 200) {
  const collector = await startCollector(status)
  const warnings: string[] = []
  const { endpoint } = collector
  const warned = (sentence: string) => void warnings.push(sentence)
  const traces = createOtlpTraces({ endpoint, headers: {}, sampleRatio: 1, clock: systemClock, warned, ...options })
  return { collector, traces, warnings, [Symbol.asyncDispose]: () => collector[Symbol.asyncDispose]() }
}

describe('traces by OTLP', () => {
  it('are a span for the exchange, and one below it for each step, within its times', async () => {
    await using one = await rig()
    one.traces.exchange(undefined, () => {
      one.traces.took('challenge', { attributes: { 'purser.rail': 'x402' } })
      one.traces.took('sign', { duration_ms: 0.01 })
      one.traces.ended(LINE)
    })
    await one.traces[Symbol.asyncDispose]()
    const { spans, services } = one.collector
    const whole = spans.find(({ name }) => name === 'GET')
    expect(services).toEqual(['purser'])
    expect(whole).toMatchObject({ kind: 2, status: {}, attributes: { 'http.response.status_code': 200, 'server.port': 8443 } })
    expect(whole?.attributes).toMatchObject({ 'url.path': '/v1/search', 'purser.paymentId': 'pay_1', 'purser.agent': 'researcher' })
    const steps = spans.filter(({ parentSpanId }) => parentSpanId === whole?.spanId)
    expect(steps.map(({ name }) => name)).toEqual(['challenge', 'sign'])
    for (const step of steps) {
      expect(step.traceId).toBe(whole?.traceId)
      expect(step.endTimeUnixNano).toBeGreaterThanOrEqual(step.startTimeUnixNano)
      expect(whole?.endTimeUnixNano).toBeGreaterThanOrEqual(step.endTimeUnixNano)
    }
    expect(steps[0]?.startTimeUnixNano).toBe(whole?.startTimeUnixNano)
  })

  it('go on where the agent’s trace is, and the upstream’s goes on where ours is', async () => {
    await using one = await rig()
    const onward: (string | undefined)[] = []
    one.traces.exchange(TRACEPARENT, (traceparent) => {
      onward.push(traceparent)
      expect(one.traces.kept()).toBe(TRACE)
      expect(one.traces.ended(LINE)).toEqual({ trace: TRACE, isKept: true })
    })
    await one.traces[Symbol.asyncDispose]()
    const [span] = one.collector.spans
    expect(span).toMatchObject({ traceId: TRACE, parentSpanId: SPAN })
    expect(onward).toEqual([`00-${TRACE}-${span?.spanId}-01`])
  })

  it.each([
    ['none', undefined],
    ['nonsense', 'p=1'],
    ['a trace of zeros', `00-${'0'.repeat(32)}-${SPAN}-01`],
    ['a version that is none', `ff-${TRACE}-${SPAN}-01`],
  ])('begin anew where the agent sent %s, and tell the upstream nothing', async (_, traceparent) => {
    await using one = await rig()
    one.traces.exchange(traceparent, (onward) => {
      expect(onward).toBeUndefined()
      expect(one.traces.ended(LINE).trace).toMatch(/^(?!0{32})[0-9a-f]{32}$/)
    })
    await one.traces[Symbol.asyncDispose]()
    expect(one.collector.spans.map(({ parentSpanId }) => parentSpanId ?? '')).toEqual([''])
  })

  it('are not kept where the agent says so, or where the ratio is zero: then its traceparent passes as it is', async () => {
    await using one = await rig({ sampleRatio: 0 })
    one.traces.exchange(`00-${TRACE}-${SPAN}-00`, (onward) => {
      expect(onward).toBeUndefined()
      one.traces.took('sign', { duration_ms: 1 })
      expect(one.traces.kept()).toBeUndefined()
      expect(one.traces.ended(LINE)).toEqual({ trace: TRACE, isKept: false })
    })
    one.traces.exchange(undefined, () => expect(one.traces.ended(LINE).isKept).toBe(false))
    await one.traces[Symbol.asyncDispose]()
    expect(one.collector.spans).toEqual([])
  })

  it('of exchanges that run at once are kept apart', async () => {
    await using one = await rig()
    const walks: Promise<unknown>[] = []
    const walk = async (agent: string, steps: readonly string[]) => {
      for (const step of steps) {
        await Promise.resolve()
        one.traces.took(step, { duration_ms: 0 })
      }
      one.traces.ended({ ...LINE, agent })
    }
    one.traces.exchange(undefined, () => walks.push(walk('a', ['quote', 'sign'])))
    one.traces.exchange(undefined, () => walks.push(walk('b', ['quote', 'decide', 'reserve'])))
    await Promise.all(walks)
    await one.traces[Symbol.asyncDispose]()
    const { spans } = one.collector
    const stepsOf = (agent: string) => {
      const whole = spans.find(({ attributes }) => attributes['purser.agent'] === agent)
      return spans.filter(({ parentSpanId }) => parentSpanId === whole?.spanId).map(({ name }) => name)
    }
    expect([stepsOf('a'), stepsOf('b')]).toEqual([
      ['quote', 'sign'],
      ['quote', 'decide', 'reserve'],
    ])
  })

  it('tell of what was never begun, a tunnel for example, when it ends, as long as it was', async () => {
    await using one = await rig()
    one.traces.took('sign', { duration_ms: 1 })
    one.traces.ended({ ...LINE, method: 'CONNECT', target: 'tcp://api.example.com:443', outcome: 'tunnelled', duration_ms: 1_500 })
    await one.traces[Symbol.asyncDispose]()
    const [span, ...rest] = one.collector.spans
    expect(rest).toEqual([])
    expect(Number((span?.endTimeUnixNano ?? 0n) - (span?.startTimeUnixNano ?? 0n)) / 1e6).toBeCloseTo(1_500, -1)
  })

  it('carry no query, nothing that has the form of a secret, and no name that an agent made up', async () => {
    await using one = await rig()
    const secrets = [`pst_${'s'.repeat(40)}`, `0x${'ab'.repeat(65)}`, 'eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl']
    const [token, signature, jwt] = secrets
    one.traces.exchange(undefined, () => {
      const target = `https://u:canary@api.example.com/${token}/${jwt}?q=canary#canary`
      one.traces.ended({ ...LINE, method: 'X-EVIL', target, agent: `a ${signature}`, extra: { note: `Bearer ${token}` } })
    })
    await one.traces[Symbol.asyncDispose]()
    const sent = one.collector.bodies.join('\n')
    expect(secrets.filter((secret) => sent.includes(secret))).toEqual([])
    expect(sent).toContain('[redacted]')
    expect(sent).not.toContain('canary')
    expect(one.collector.spans.map(({ name }) => name)).toEqual(['HTTP'])
  })

  it('call a failure an error, with its code', async () => {
    await using one = await rig()
    one.traces.exchange(undefined, () => one.traces.ended({ ...LINE, outcome: 'failed', status: 502, code: 'upstream_unreachable' }))
    await one.traces[Symbol.asyncDispose]()
    expect(one.collector.spans[0]?.status).toEqual({ code: 2, message: 'upstream_unreachable' })
  })

  it('go to the endpoint as JSON with the configured headers', async () => {
    await using one = await rig({ headers: { authorization: 'Basic b3RscDpzZWNyZXQ=' } })
    one.traces.ended(LINE)
    await one.traces[Symbol.asyncDispose]()
    expect(one.collector.headers).toMatchObject([
      { path: '/v1/traces', 'content-type': 'application/json', authorization: 'Basic b3RscDpzZWNyZXQ=' },
    ])
  })

  it('that nobody takes are told of, and hold up neither requests nor the end', async () => {
    await using one = await rig({}, 400)
    one.traces.ended(LINE)
    await one.traces[Symbol.asyncDispose]()
    expect(one.warnings).toEqual([expect.stringContaining('Traces cannot be sent')])
  })
})
