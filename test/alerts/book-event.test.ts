import { describe, expect, it } from 'vitest'
import { bookEvent, bookEventSchema, bookTypeOf } from '../../src/alerts/book-event.ts'
import { slackMessage } from '../../src/approval/slack.ts'
import { webhookPayload } from '../../src/approval/webhook.ts'
import { EMPTY_CHAIN, link } from '../../src/audit/chain.ts'
import type { ReceiptBody } from '../../src/audit/receipt.ts'
import { body } from '../audit/receipt-fixture.ts'

const receipt = (changes: Partial<ReceiptBody> = {}) => link(EMPTY_CHAIN, body(changes)).receipt
const SESSION = { owner: 'olga', labels: { costCentre: 'CC-7' } }
const told = (changes: Partial<ReceiptBody> = {}) => {
  const alert = bookEvent(receipt(changes), { before: undefined, session: SESSION })
  return { alert, message: JSON.parse(webhookPayload({ type: alert.type, at: alert.at, alert })) as unknown }
}

describe('a receipt for the books', () => {
  it('is told by the state that the payment entered, and amends it where it stays in that', () => {
    const type = (changes: Partial<ReceiptBody>, before?: Partial<ReceiptBody>) => bookTypeOf(receipt(changes), before && receipt(before))
    expect(type({ kind: 'refusal', state: 'denied' })).toBe('payment.refused')
    for (const state of ['settled', 'unknown', 'void', 'expired']) expect(type({ kind: 'conclusion', state })).toBe(`payment.${state}`)
    expect(type({ kind: 'amendment', state: 'settled' }, { state: 'unknown' })).toBe('payment.settled')
    expect(type({ kind: 'amendment', state: 'void' }, { state: 'expired' })).toBe('payment.void')
    expect(type({ kind: 'amendment', state: 'settled', refunded: '0.01' }, { state: 'settled', refunded: '0' })).toBe('payment.refunded')
    expect(type({ kind: 'amendment', state: 'settled', delivered: true }, { state: 'settled' })).toBe('payment.amended')
    expect(type({ kind: 'amendment', state: 'denied', count: 7 }, { state: 'denied' })).toBe('payment.amended')
  })

  it('has what an entry needs, in the published form, with the receipt’s id and hash', () => {
    const { alert, message } = told({ state: 'settled', kind: 'conclusion' })
    const { id, hash } = receipt({ state: 'settled', kind: 'conclusion' })
    expect(bookEventSchema.parse(message).data).toMatchObject({ costCentre: 'CC-7', owner: 'olga', receipt: { id, hash } })
    expect(slackMessage({ type: alert.type, at: alert.at, alert })).toContain(id)
  })

  it('G10: never has a query, a signature or a nonce, and no text of an agent as it came', () => {
    const secret = { resource: 'https://api.example.com/data?key=canary', signature: 'canary', nonce: 'canary', tool: 'a\u202eb' }
    const { message } = told({ ...secret, state: 'settled', kind: 'conclusion', justification: 'canary' })
    expect(JSON.stringify(message)).not.toMatch(/canary|\u202e/)
    expect(bookEventSchema.parse(message).data).toMatchObject({ resource: 'https://api.example.com/data', tool: 'ab' })
  })

  it('says in one sentence what happened, also where no offer was priced', () => {
    expect(told({ kind: 'conclusion', state: 'unknown' }).alert.sentence).toMatch(
      /may have paid .+; it counts as held until that is known\.$/,
    )
    const refused = told({ kind: 'refusal', state: 'denied', amount: null, currency: null, reason: 'Prohibited.' })
    expect(refused.alert.sentence).toMatch(/was refused an amount that is not known to .+: Prohibited\.$/)
  })
})
