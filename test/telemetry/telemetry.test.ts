import { describe, expect, it } from 'vitest'
import { MAX_LABEL_VALUES } from '../../src/limits.ts'
import type { ExchangeLine } from '../../src/telemetry/events.ts'
import { METRICS } from '../../src/telemetry/metrics.ts'
import { createTelemetry, type Standing } from '../../src/telemetry/telemetry.ts'
import type { Traces } from '../../src/telemetry/traces.ts'

const NOTHING: Standing = { exposure: {}, sessions: {}, approvalsPending: 0 }

function telemetry(level = 'info') {
  const lines: string[] = []
  const made = createTelemetry({ level, destination: { write: (line) => lines.push(line) } })
  return { ...made, lines, last: (): unknown => JSON.parse(lines.at(-1) ?? 'null'), text: (standing = NOTHING) => made.render(standing) }
}

const LINE: ExchangeLine = {
  exchangeId: 'req_1',
  mode: 'intercept',
  outcome: 'paid',
  method: 'GET',
  target: 'https://api.example.com/v1/search',
  status: 200,
  duration_ms: 12.5,
  bytes: 10,
  sessionId: 'ses_1',
  extra: { paymentId: 'pay_1', tier: 'autonomous', amount: '0.001 USD', money: 'moved', status: 999 },
}

const PAYMENT = {
  paymentId: 'pay_1',
  network: 'eip155:84532',
  scheme: 'exact',
  state: 'settled',
  tier: 'autonomous',
  amount: 1_500_000n,
  currency: 'USD',
}

describe('telemetry', () => {
  it('shows what it has counted, and what was known last, where nobody can say how things stand', async () => {
    const { events, render } = telemetry()
    await render({ ...NOTHING, exposure: { USD: 1_500_000n } })
    events.receiptWritten()
    const text = await render(undefined)
    expect(text).toContain('purser_exposure_usd 1.5')
    expect(text).toContain('purser_receipts_total 1')
  })

  it('says whether payments can be made, also where nobody can say how things stand', async () => {
    const { render, openMetrics } = telemetry()
    expect(await render(NOTHING, { isReady: true })).toMatch(/^purser_ready 1$/m)
    expect(await render(undefined, { isReady: false })).toMatch(/^purser_ready 0$/m)
    expect(await openMetrics.render(undefined, { isReady: true })).toMatch(/^purser_ready 1$/m)
    expect(await render(NOTHING, { isReady: true })).not.toMatch(/^purser_presigned_left\{/m)
    expect(await render(NOTHING, { isReady: true, presigned: [{ pool: 'weather', left: 7 }] })).toMatch(
      /^purser_presigned_left\{pool="weather"\} 7$/m,
    )
  })

  it('writes one canonical line for an exchange, whose own members nothing can replace', () => {
    const { events, lines, last } = telemetry()
    events.exchangeEnded(LINE)
    expect(lines).toHaveLength(1)
    expect(last()).toMatchObject({ msg: 'exchange', exchangeId: 'req_1', outcome: 'paid', status: 200, paymentId: 'pay_1', money: 'moved' })
  })

  it('counts exchanges and measures them in seconds', async () => {
    const { events, text } = telemetry()
    events.exchangeEnded(LINE)
    expect(await text()).toContain('purser_requests_total{mode="intercept",outcome="paid"} 1')
    expect(await text()).toContain('purser_request_duration_seconds_sum{mode="intercept"} 0.0125')
  })

  it('leads from a slow bucket to a trace only where that is kept', async () => {
    for (const isKept of [true, false]) {
      const traces: Traces = {
        exchange: (_, run) => run(undefined),
        took: () => undefined,
        ended: () => ({ trace: '0af7651916cd43dd8448eb211c80319c', isKept }),
        kept: () => undefined,
        [Symbol.asyncDispose]: () => Promise.resolve(),
      }
      const { events, openMetrics } = createTelemetry({ level: 'silent', traces })
      events.exchangeEnded(LINE)
      const text = await openMetrics.render(NOTHING)
      expect([text.includes('exchange_id="req_1"'), text.includes('trace_id=')]).toEqual([true, isKept])
    }
  })

  it('counts dollars of settled payments only', async () => {
    const { events, text } = telemetry()
    events.paymentEntered(PAYMENT)
    for (const state of ['denied', 'unknown', 'void']) events.paymentEntered({ ...PAYMENT, state })
    events.paymentEntered({ ...PAYMENT, currency: 'EUR' })
    expect(await text()).toContain('purser_payment_amount_usd_total{tier="autonomous",network="eip155:84532"} 1.5')
    expect(await text()).toContain('purser_payments_total{network="eip155:84532",scheme="exact",state="unknown"} 1')
  })

  it('counts challenges, decisions, receipts, steps and what was not delivered', async () => {
    const { events, text } = telemetry()
    events.challengeSeen({ rail: 'x402', version: 2, outcome: 'payable' })
    events.decided({ tier: '', decision: 'deny', code: 'no_tier_matches' })
    events.decided({ tier: 'autonomous', decision: 'allow' })
    events.receiptWritten()
    events.phaseTook('sign', 2)
    events.ledgerTook('commit', 3)
    events.undelivered('pay_1')
    const drift = { sessionId: 'ses_1', agent: 'researcher', host: 'api.example.com', sentence: 'The price has drifted.' }
    events.priceDrifted({ ...drift, kind: 'sudden', consequence: 'escalate' })
    events.sessionDrifted({ ...drift, kind: 'host', consequence: 'report' })
    events.circuitTurned({ host: 'api.example.com', state: 'open' })
    events.loopDetected({ sessionId: 'ses_1', agent: 'researcher', method: 'GET', host: 'api.example.com' })
    const sums = { deposited: 5n, charged: 2n, returned: 3n, transaction: null }
    events.channelStepped({ channelId: '0xc', sessionId: 'ses_1', network: 'eip155:84532', step: 'closed', ...sums })
    events.preempted('hit')
    events.signedIn('let_in')
    events.upstreamConnections(1)
    events.upstreamConnections(1)
    events.upstreamConnections(-1)
    const scraped = await text()
    for (const sample of [
      'purser_challenges_total{rail="x402",version="2",outcome="payable"} 1',
      'purser_decisions_total{tier="none",decision="deny",code="no_tier_matches"} 1',
      'purser_decisions_total{tier="autonomous",decision="allow",code="none"} 1',
      'purser_receipts_total 1',
      'purser_payment_phase_seconds_sum{phase="sign"} 0.002',
      'purser_ledger_operation_seconds_sum{operation="commit"} 0.003',
      'purser_undelivered_total 1',
      'purser_price_drifts_total{kind="sudden",consequence="escalate"} 1',
      'purser_session_drifts_total{kind="host",consequence="report"} 1',
      'purser_circuit_turns_total{state="open"} 1',
      'purser_loops_total 1',
      'purser_channel_steps_total{step="closed"} 1',
      'purser_preemptive_total{outcome="hit"} 1',
      'purser_logins_total{outcome="let_in"} 1',
      'purser_upstream_connections 1',
    ]) {
      expect(scraped).toContain(sample)
    }
  })

  it('shows what stands in the ledger at the moment of the scrape', async () => {
    const { text } = telemetry()
    const scraped = await text({ exposure: { USD: 12_340_000n, EUR: 1n }, sessions: { open: 2 }, approvalsPending: 4 })
    expect(scraped).toContain('purser_exposure_usd 12.34')
    expect(scraped).toContain('purser_sessions{state="open"} 2')
    expect(scraped).toContain('purser_approvals_pending 4')
  })

  it('shows disputes and payments without an outcome where somebody counts them, and nothing made up elsewhere', async () => {
    const { text } = telemetry()
    const scraped = await text({ ...NOTHING, disputes: 2, unresolved: 3 })
    expect(scraped).toContain('purser_disputes 2')
    expect(scraped).toContain('purser_unresolved_payments 3')
  })

  it('a passed threshold is counted by its percentage and told with the session in the log', async () => {
    const { events, last, text } = telemetry()
    const session = { sessionId: 'ses_1', agent: 'reporter', currency: 'USD', spent: 4_000_000n, held: 1_000_000n, cap: 10_000_000n }
    events.thresholdReached({ ...session, percent: 50 })
    expect(await text()).toContain('purser_thresholds_total{percent="50"} 1')
    expect(last()).toMatchObject({
      ...{ level: 'warn', msg: 'budget threshold reached', sessionId: 'ses_1', agent: 'reporter', percent: 50 },
      ...{ spent: '4.00', held: '1.00', cap: '10.00', currency: 'USD' },
    })
  })

  it('what is decided after an exchange is counted and told; a dispute is a warning', async () => {
    const { events, last, text } = telemetry()
    events.reconciled({ paymentId: 'pay_1', outcome: 'void' })
    expect(last()).toMatchObject({ level: 'info', msg: 'reconciled', paymentId: 'pay_1', outcome: 'void' })
    events.reconciled({ paymentId: 'pay_1', outcome: 'disputed' })
    expect(last()).toMatchObject({ level: 'warn', outcome: 'disputed' })
    const scraped = await text()
    expect(scraped).toContain('purser_reconciled_total{outcome="void"} 1')
    expect(scraped).toContain('purser_reconciled_total{outcome="disputed"} 1')
  })

  it('makes at most so many series of tiers, and none of what is not a name', async () => {
    const { events, text } = telemetry()
    for (let i = 0; i < 3 * MAX_LABEL_VALUES; i++) events.decided({ tier: `tier-${i}`, decision: 'allow' })
    events.paymentEntered({ ...PAYMENT, network: 'https://canary.example/', scheme: 'Canary\n', state: '<canary>' })
    const scraped = await text()
    expect(scraped.match(/purser_decisions_total\{/g)).toHaveLength(MAX_LABEL_VALUES + 1)
    expect(scraped).toContain(`tier="other",decision="allow",code="none"} ${2 * MAX_LABEL_VALUES}`)
    expect(scraped).not.toMatch(/canary/i)
  })

  it('never makes a label of a session, an agent, a payment or a target', async () => {
    const { events, text } = telemetry()
    events.exchangeEnded({ ...LINE, agent: 'procurement' })
    events.paymentEntered(PAYMENT)
    expect(await text()).not.toMatch(/ses_1|pay_1|procurement|api\.example\.com/)
  })

  it('counts how long requests waited for people', async () => {
    const { events, text } = telemetry()
    events.approvalWaited(4_000)
    expect(await text()).toContain('purser_approval_wait_seconds_bucket{le="5"} 1')
  })

  it('logs warnings and faults with their causes', () => {
    const { events, last } = telemetry()
    events.warned('The disk is\nnearly full.')
    expect(last()).toMatchObject({ level: 'warn', msg: 'The disk is\ufffdnearly full.' })
    events.faulted('ledger', new Error('EIO'))
    expect(last()).toMatchObject({ level: 'error', msg: 'fault', where: 'ledger', err: { message: 'EIO' } })
  })

  it('serves every series of the table in the text format', async () => {
    const { text, contentType } = telemetry()
    expect(contentType).toContain('text/plain')
    const scraped = await text()
    expect(METRICS.filter(({ name }) => !scraped.includes(`# TYPE ${name} `))).toEqual([])
  })
})
