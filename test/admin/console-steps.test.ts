import { describe, expect, it } from 'vitest'
import { stepsOf } from '../../src/admin/console-steps.ts'
import type { Receipt } from '../../src/audit/receipt.ts'
import type { Payment } from '../../src/ledger/ledger.ts'
import { anApproval, aWindow } from '../approval/approvals-at-hand.ts'
import { buy, startFixture } from './fixture.ts'

/** A real payment and its receipts, to be changed by the test. */
async function settled(): Promise<{ payment: Payment; receipt: Receipt }> {
  await using fixture = await startFixture()
  const { id: sessionId } = await fixture.open()
  const payment = await buy(fixture, { sessionId })
  const { items } = await fixture.ledger.receipts({ payment: payment.id, kind: 'conclusion' }, { limit: 1 })
  const [receipt] = items
  if (!receipt) throw new Error('there is no receipt')
  return { payment, receipt }
}

const at = (minutes: number) => new Date(Date.parse('2026-06-27T13:00:00Z') + minutes * 60_000).toISOString()

/** What the receipts tell beyond the payment's own times. */
async function told(...changes: Partial<Receipt>[]) {
  const { payment, receipt } = await settled()
  const receipts = changes.map((change, n): Receipt => ({ ...receipt, id: `rcp_${n}`, at: at(n), ...change }))
  const steps = stepsOf({ payment, approval: undefined, receipts })
  return steps.filter(({ receiptId }) => receiptId !== null)
}

describe('console-steps', () => {
  it('an unknown outcome that is found settled, and confirmed by the chain, is told in that order', async () => {
    const steps = await told(
      { state: 'unknown', evidence: null, dispute: null },
      { state: 'settled', evidence: 'confirmed', block: '77', dispute: null },
    )
    expect(steps.map(({ kind, receiptId }) => [kind, receiptId])).toEqual([
      ['unknown', 'rcp_0'],
      ['settled', 'rcp_1'],
      ['confirmed', 'rcp_1'],
    ])
    expect(steps[2]?.facts[0]).toEqual({ label: 'block', value: '77', untrusted: false })
  })

  it('a claim that the chain confirms later is confirmed once', async () => {
    const confirmed = { evidence: 'confirmed', dispute: null }
    const steps = await told({ evidence: 'claimed', dispute: null }, confirmed, { ...confirmed, refunded: '0.25' })
    expect(steps.map(({ kind }) => kind)).toEqual(['settled', 'confirmed', 'refunded'])
  })

  it('a dispute is told when it begins and when it ends', async () => {
    const steps = await told({ dispute: null }, { dispute: 'settled_not_delivered' }, { dispute: null })
    expect(steps.map(({ kind, detail }) => [kind, detail])).toEqual([
      ['settled', expect.any(String)],
      ['disputed', 'settled not delivered'],
      ['undisputed', null],
    ])
  })

  it('a refusal that was repeated says how often, and what it cannot name is not hidden', async () => {
    const denied = { state: 'denied', dispute: null, evidence: null }
    const steps = await told({ ...denied, count: 1 }, { ...denied, count: 7 }, { ...denied, count: 7 })
    expect(steps.map(({ kind, title }) => [kind, title])).toEqual([
      ['refused', 'It was refused'],
      ['repeated', 'It was asked again; 7 times in all'],
      ['amended', 'Something more was recorded'],
    ])
  })

  it('a delivery is told once, by the payment', async () => {
    const { payment, receipt } = await settled()
    const delivery = { status: 200, bytes: 5, complete: true }
    const served = { ...payment, delivered: true, delivery, deliveredAt: Date.parse(at(1)) }
    const receipts = [
      { ...receipt, dispute: null },
      { ...receipt, dispute: null, delivery, delivered: true, at: at(1) },
    ]
    const steps = stepsOf({ payment: served, approval: undefined, receipts })
    expect(steps.map(({ kind }) => kind)).toEqual(['challenged', 'decided', 'reserved', 'signed', 'sent', 'settled', 'delivered'])
    expect(steps.at(-1)).toMatchObject({ title: 'The agent got its answer', facts: [{ value: '200' }, { value: '5' }] })
  })

  it('words of agents and servers are cleaned and marked', async () => {
    const { payment } = await settled()
    const context = { onBehalfOf: ['planner\u202e', 'payer'], facts: ['The host is new.'] }
    const steps = stepsOf({ payment: { ...payment, justification: 'pay\u001b[31m now', context }, approval: undefined, receipts: [] })
    expect(steps[1]?.facts).toEqual(
      expect.arrayContaining([
        { label: 'justification', value: 'pay now', untrusted: true },
        { label: 'on behalf of', value: 'planner → payer', untrusted: true },
        { label: 'noticed', value: 'The host is new.', untrusted: false },
      ]),
    )
  })

  it.each([
    [anApproval({ state: 'denied', decidedAt: Date.parse(at(0)) }), ['asked', 'refused'], 'It was denied'],
    [
      aWindow({ state: 'vetoed', noticedAt: Date.parse(at(0)), decidedAt: Date.parse(at(1)) }),
      ['asked', 'noticed', 'refused'],
      'It was vetoed',
    ],
    [anApproval({ state: 'used', usedAt: Date.parse(at(0)) }), ['asked', 'answered'], 'It was allowed'],
  ])('tells what people were asked and how it ended', async (approval, wanted, title) => {
    const { payment } = await settled()
    const steps = stepsOf({ payment, approval, receipts: [] }).filter(({ kind }) =>
      ['asked', 'noticed', 'voted', 'answered', 'refused', 'void'].includes(kind),
    )
    expect(steps.map(({ kind }) => kind)).toEqual(wanted)
    expect(steps.at(-1)?.title).toBe(title)
  })
})
