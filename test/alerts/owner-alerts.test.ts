import { describe, expect, it } from 'vitest'
import { alertEventSchema } from '../../src/alerts/alert-event.ts'
import { createOwnerAlerts } from '../../src/alerts/owner-alerts.ts'
import type { Alert } from '../../src/approval/alert.ts'
import { webhookPayload } from '../../src/approval/webhook.ts'
import { MAX_OPEN_ALERTS } from '../../src/people-limits.ts'
import type { ExchangeLine } from '../../src/telemetry/events.ts'
import { anApproval } from '../approval/approvals-at-hand.ts'
import { noticeRig } from '../approval/notice-rig.ts'
import { countingIds } from '../clock.ts'
import { authorizationFor, fixtures, usd } from '../ledger/fixtures.ts'

async function stage(more: { readonly alert?: (alert: Alert) => Promise<unknown> } = {}) {
  const rig = await noticeRig()
  const told: Alert[] = []
  const faults: string[] = []
  const alert = async (one: Alert) => {
    // Whatever is told fits the published form.
    alertEventSchema.parse(JSON.parse(webhookPayload({ type: one.type, at: one.at, alert: one })))
    told.push(one)
  }
  const { ledger, clock } = rig
  const alerts = createOwnerAlerts({ ledger, clock, alert, events: { faulted: (where) => faults.push(where) }, ...more })
  const make = fixtures(countingIds(), () => clock.now())
  const session = await ledger.openSession(make.session({ owner: 'olga' }))
  return { ...rig, alerts, told, faults, make, session, dispose: () => rig[Symbol.asyncDispose]() }
}

const LINE: ExchangeLine = {
  ...{ exchangeId: 'req_1', mode: 'forward', outcome: 'refused', method: 'GET', target: 'https://api.example.com/data', status: 403 },
  ...{ duration_ms: 1, bytes: 0 },
}

describe('owner alerts', () => {
  it('a threshold is told with what is spent, held and left, to the session’s owner', async () => {
    const { alerts, told, session, dispose } = await stage()
    const { id: sessionId, agent } = session
    alerts.thresholdReached({ sessionId, agent, percent: 80, spent: usd(19), held: usd(1), cap: usd(25), currency: 'USD' })
    await alerts.settled()
    expect(told).toMatchObject([{ type: 'session.threshold', owner: 'olga', data: { percent: 80, spent: '19.00', cap: '25.00' } }])
    expect(told[0]?.sentence).toBe('researcher has passed 80% of its budget: $20.00 of $25.00.')
    await dispose()
  })

  it('an unknown outcome is told, any other state is not', async () => {
    const { alerts, told, session, make, ledger, dispose } = await stage()
    const request = make.request(session.id, usd(1))
    const reserved = await ledger.reserve(request)
    if (reserved.kind !== 'reserved') throw new Error(reserved.kind)
    await reserved.reservation.record(authorizationFor(request))
    await reserved.reservation.leaveUnknown('The connection broke.')
    const { paymentId } = request
    const entered = { paymentId, network: 'eip155:84532', scheme: 'exact', tier: 'autonomous', amount: usd(1), currency: 'USD' }
    for (const state of ['reserved', 'sent', 'unknown', 'settled']) alerts.paymentEntered({ ...entered, state })
    await alerts.settled()
    expect(told).toMatchObject([{ type: 'payment.outcome_unknown', owner: 'olga', data: { paymentId, amount: '1.00' } }])
    expect(told[0]?.facts).toContainEqual(['What happened', 'The connection broke.'])
    await dispose()
  })

  it('a changed recipient is told when a payment was refused for it', async () => {
    const { alerts, told, session, make, ledger, dispose } = await stage()
    const attempt = make.request(session.id, usd(1), { attempt: { reason: 'It was 0xa, now it is 0xb.' } }).attempt
    const { paymentId = '' } = await ledger.refuse(attempt, { code: 'recipient_changed', detail: 'changed' })
    alerts.exchangeEnded({ ...LINE, code: 'tier_prohibited', extra: { paymentId } })
    alerts.exchangeEnded({ ...LINE, code: 'recipient_changed', extra: { paymentId } })
    await alerts.settled()
    expect(told).toMatchObject([{ type: 'recipient.changed', owner: 'olga', data: { paymentId, recipient: attempt.terms.payTo } }])
    await dispose()
  })

  it('drift of prices and an open circuit are told in our own words; a circuit that closes is not', async () => {
    const { alerts, told, session, dispose } = await stage()
    const { id: sessionId, agent } = session
    const host = 'api.example.com'
    alerts.priceDrifted({ sessionId, agent, host, kind: 'sudden', consequence: 'escalate', sentence: 'It costs ten times as much.' })
    alerts.circuitTurned({ host, state: 'open' })
    alerts.circuitTurned({ host, state: 'closed' })
    await alerts.settled()
    expect(told.map(({ type, sentence }) => `${type}: ${sentence}`).sort()).toEqual([
      'circuit.opened: Payments to api.example.com are paused after failures. Purser tries one again soon.',
      'price.drifted: Prices at api.example.com have changed for researcher. It costs ten times as much. People are asked.',
    ])
    await dispose()
  })

  it('a question that reached nobody goes to every address of owners, not only to the one that failed', async () => {
    const { alerts, told, ledger, notices, asked, answers, deliver, dispose } = await stage()
    const approval = anApproval({ sessionId: (await ledger.sessions({ limit: 1 })).items[0]?.id ?? '' })
    await ledger.approvals.insertApproval(approval)
    alerts.approvalUndelivered({ approvalId: approval.id, kind: 'approval' })
    await alerts.settled()
    expect(told).toMatchObject([{ type: 'approval.undelivered', data: { approvalId: approval.id, kind: 'approval' } }])
    answers.set('https://olga.example/', 500)
    for (const one of told) await notices.alert(one)
    await deliver()
    expect(new Set(asked())).toEqual(
      new Set(['olga.example', 'olga@example.com', 'anna.example', 'anna@example.com', 'ben.example', 'ben@example.com']),
    )
    await dispose()
  })

  it('what cannot be queued is a fault in the log, never the payment’s; and a storm is bounded', async () => {
    const broken = () => Promise.reject(new Error('the ledger is gone'))
    const { alerts, faults, dispose } = await stage({ alert: broken })
    for (let n = 0; n < MAX_OPEN_ALERTS + 10; n += 1) alerts.circuitTurned({ host: `${n}`, state: 'open' })
    await alerts.settled()
    expect(faults).toEqual(Array(MAX_OPEN_ALERTS).fill('alert of owners'))
    await dispose()
  })
})
