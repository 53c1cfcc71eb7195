import { expect, it } from 'vitest'
import { paymentLine, readPaymentLine, readReceiptLine, receiptLine } from '../../../src/ledger/archive/entries.ts'
import { authorizationFor, CLAIMED, COMPLETE, usd } from '../fixtures.ts'
import { temporaryLedger } from '../temporary.ts'

it('lines say all of a payment and its receipts, to the last unit, and are read back as they were', async () => {
  await using bench = await temporaryLedger()
  const session = await bench.ledger.openSession(bench.make.session())
  const vote = { person: 'ann', channel: 'api', at: 5, reason: 'ok' }
  const context = { trace: 'a'.repeat(32), onBehalfOf: ['ann'], approval: { id: 'apr_1', digest: 'd', votes: [vote] }, facts: ['new'] }
  const request = bench.make.request(session.id, usd(0.01), {
    attempt: { context, task: 't', user: 'u', justification: '“x”\u2028', categories: ['search'] },
    terms: { amountAtomic: 2n ** 255n },
  })
  const reserved = await bench.ledger.reserve(request)
  if (reserved.kind !== 'reserved') throw new Error(reserved.kind)
  await reserved.reservation.record(authorizationFor(request))
  await reserved.reservation.post(CLAIMED)
  await reserved.reservation.delivered(COMPLETE)
  await bench.ledger.refuse(bench.make.attempt(session.id), { code: 'session_expired', detail: 'It is over.' })
  const ways = [
    ...[{ network: 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1' }, { scheme: 'upto', method: 'permit2' } as const],
    ...(['deposit', 'voucher'] as const).map((method) => ({ scheme: 'batch-settlement', method })),
  ]
  for (const terms of ways) {
    const otherwise = bench.make.request(session.id, usd(0.01), { terms })
    const other = await bench.ledger.reserve(otherwise)
    if (other.kind !== 'reserved') throw new Error(other.kind)
    await other.reservation.record(authorizationFor(otherwise))
    await other.reservation.post(CLAIMED)
  }
  const { items: payments } = await bench.ledger.payments({}, { limit: 10 })
  const { items: receipts } = await bench.ledger.receipts({}, { limit: 10 })
  expect([payments.length, receipts.length]).toEqual([6, 7])
  for (const payment of payments) {
    const line = paymentLine({ place: 2n ** 60n, payment })
    expect(line).not.toContain('\n')
    expect(readPaymentLine(line)).toEqual({ place: 2n ** 60n, payment })
    expect(() => readPaymentLine(line.replace('"agent"', '"agnet"'))).toThrow()
  }
  for (const receipt of receipts) expect(readReceiptLine(receiptLine(receipt))).toEqual(receipt)
})
