/** The conformance suite compares whole lists with the ledger's own; here are the cases that look alike. */
import { expect, it } from 'vitest'
import { isWanted, isWantedReceipt } from '../../../src/ledger/archive/matching.ts'
import { temporaryLedger } from '../temporary.ts'

it('a filter asks for all it names: case counts but for hosts and addresses, and `until` is not part of the span', async () => {
  await using bench = await temporaryLedger()
  const session = await bench.ledger.openSession(bench.make.session())
  const at = bench.make.attempt(session.id, { url: 'http://[::1]:8080/x', host: '::1', tool: 'Search' })
  await bench.ledger.refuse(at, { code: 'session_expired', detail: 'It is over.' })
  const [payment] = (await bench.ledger.payments({}, { limit: 1 })).items
  const [receipt] = (await bench.ledger.receipts({}, { limit: 1 })).items
  if (!payment || !receipt) throw new Error('nothing was written')
  const both = (filter: Parameters<typeof isWantedReceipt>[1]) => [isWanted(payment, filter), isWantedReceipt(receipt, filter)]
  const { decidedAt } = payment
  for (const filter of [{}, { tool: 'Search' }, { recipient: '::1' }, { since: decidedAt, until: decidedAt + 1 }])
    expect([filter, both(filter)]).toEqual([filter, [true, true]])
  for (const filter of [{ tool: 'search' }, { recipient: '::2' }, { until: decidedAt }, { since: decidedAt + 1 }, { trace: 'a' }])
    expect([filter, both(filter)]).toEqual([filter, [false, false]])
  expect([isWanted(payment, { disputed: false }), isWantedReceipt(receipt, { kind: 'conclusion' })]).toEqual([true, false])
})
