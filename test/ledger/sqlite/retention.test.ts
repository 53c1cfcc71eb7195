/** What every store does is in the conformance suite; here is what only this one has to. */
import { expect, it } from 'vitest'
import type { Handover } from '../../../src/ledger/retention.ts'
import { temporaryLedger } from '../temporary.ts'

it('a handover that cannot be made whole changes nothing: neither rows nor segments nor names', async () => {
  await using bench = await temporaryLedger()
  const { ledger, db, make } = bench
  const session = await ledger.openSession(make.session())
  await ledger.refuse(make.attempt(session.id), { code: 'session_expired', detail: 'It is over.' })
  const [payment] = (await ledger.payments({}, { limit: 1 })).items
  const handover = (leaving: Handover['leaving']): Handover => ({
    segment: {
      ...{ number: 1, kind: 'payments', file: 'f.gz', start: 0, bytes: 1, hash: 'h', entries: 1 },
      ...{ first: 1n, last: 1n, oldest: 0, newest: 0 },
    },
    names: [1n],
    leaving,
  })
  const id = payment?.id ?? ''
  // Its receipt is still here.
  expect(await ledger.retention.handOver(handover({ payments: [{ id, sessionId: session.id }] }))).toBe(false)
  expect(
    await ledger.retention.handOver(
      handover({
        receipts: [
          { place: 1n, paymentId: id },
          { place: 9n, paymentId: id },
        ],
      }),
    ),
  ).toBe(false)
  const counts = ['payments', 'receipts', 'refusal_runs', 'archive_segments', 'archive_names'].map((table) =>
    Number(db.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.count),
  )
  expect(counts).toEqual([1, 1, 1, 0, 0])
  expect(await ledger.retention.handOver(handover({ receipts: [{ place: 1n, paymentId: id }] }))).toBe(true)
  expect(await ledger.retention.handOver(handover({ payments: [{ id, sessionId: session.id }] }))).toBe(false)
})
