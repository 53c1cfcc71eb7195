import { describe, expect, it } from 'vitest'
import { ReceiptView } from '../../src/admin/receipt-view.ts'
import { buy, deny, startFixture } from './fixture.ts'

describe('receipt-view', () => {
  it('describes every member of a receipt and no other', async () => {
    await using fixture = await startFixture()
    const { id: sessionId } = await fixture.open()
    await buy(fixture, { sessionId })
    await deny(fixture, { sessionId })
    const { items } = await fixture.ledger.receipts({}, { limit: 10 })
    expect(items.length).toBeGreaterThan(1)
    for (const receipt of items) {
      expect(ReceiptView.strict().parse(receipt)).toEqual(receipt)
      expect(Object.keys(receipt).sort()).toEqual(Object.keys(ReceiptView.shape).sort())
    }
  })
})
