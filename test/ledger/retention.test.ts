/** What a payment has to be so that it may leave; the conformance suite asks it of both ledgers. */
import { describe, expect, it } from 'vitest'
import type { Payment } from '../../src/ledger/ledger.ts'
import { ArchiveFault, mayLeave, nameOf, type Segment } from '../../src/ledger/retention.ts'
import { authorizationFor, CLAIMED, COMPLETE, CONFIRMABLE, termsOf, usd } from './fixtures.ts'
import { temporaryLedger } from './temporary.ts'

async function settledPayment(): Promise<Payment> {
  await using bench = await temporaryLedger()
  const session = await bench.ledger.openSession(bench.make.session())
  const request = bench.make.request(session.id, usd(0.01))
  const reserved = await bench.ledger.reserve(request)
  if (reserved.kind !== 'reserved') throw new Error(reserved.kind)
  await reserved.reservation.record(authorizationFor(request))
  await reserved.reservation.post(CLAIMED)
  await reserved.reservation.delivered(COMPLETE)
  return reserved.reservation.payment()
}

describe('a payment may leave', () => {
  it('where it is old and final and its session can pay no more, and for no less', async () => {
    const payment = await settledPayment()
    const before = payment.decidedAt + 1
    const leave = { before, confirmable: new Set([CONFIRMABLE]), session: { status: 'closed', expiresAt: before } } as const
    expect(mayLeave(payment, leave)).toBe(true)
    const stays: [string, Partial<Payment>][] = [
      ...(['awaiting_veto', 'awaiting_approval', 'reserved', 'signed', 'sent', 'unknown', 'expired'] as const).map(
        (state): [string, Partial<Payment>] => [state, { state }],
      ),
      ['not old', { decidedAt: before }],
      ['not delivered', { delivered: false }],
      ['disputed', { dispute: 'settled_though_denied' }],
      ['paid back in part', { refunded: 1n }],
      ['void and paid back', { state: 'void', refunded: 1n }],
      ['a deposit, of which something may come back', { terms: termsOf(1n, { method: 'deposit' }), evidence: 'confirmed' }],
      ['the chain may say more', { terms: termsOf(1n, { network: CONFIRMABLE }) }],
    ]
    for (const [why, change] of stays) expect([why, mayLeave({ ...payment, ...change }, leave)]).toEqual([why, false])
    const confirmed: Payment = { ...payment, evidence: 'confirmed', terms: termsOf(1n, { network: CONFIRMABLE }) }
    const voucher: Payment = { ...payment, terms: termsOf(1n, { network: CONFIRMABLE, method: 'voucher' }) }
    for (const one of [confirmed, voucher, { ...payment, state: 'void' }, { ...payment, state: 'denied' }] as const) {
      expect(mayLeave(one, leave)).toBe(true)
    }
  })

  it.each([
    ['closed', { status: 'closed', expiresAt: Number.MAX_SAFE_INTEGER }, true],
    ['revoked', { status: 'revoked', expiresAt: Number.MAX_SAFE_INTEGER }, true],
    ['expired long ago', { status: 'open', expiresAt: 1 }, true],
    ['open, or expired a moment ago: it may be extended', { status: 'open', expiresAt: Number.MAX_SAFE_INTEGER }, false],
    ['unknown', undefined, false],
  ] as const)('where its session is %s', async (_, session, may) => {
    const payment = await settledPayment()
    expect(mayLeave(payment, { before: payment.decidedAt + 1, confirmable: new Set(), session })).toBe(may)
  })
})

it('names are short, the same for the same id, and fit into a safe number', () => {
  expect(nameOf('pay_1')).toBe(nameOf('pay_1'))
  expect(nameOf('pay_1')).not.toBe(nameOf('pay_2'))
  expect(Number.isSafeInteger(Number(nameOf('pay_1')))).toBe(true)
})

it('a fault of the archive names the file', () => {
  const segment: Segment = {
    ...{ number: 1, kind: 'payments', file: 'f.gz', start: 0, bytes: 1, hash: '', entries: 1 },
    ...{ first: 1n, last: 1n, oldest: 0, newest: 0 },
  }
  expect(new ArchiveFault(segment, 'is missing').message).toBe('the archive file f.gz is missing')
})
