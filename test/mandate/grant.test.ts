import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { grantOf } from '../../src/mandate/grant.ts'
import { claimsAt } from './issuer.ts'

const NOW = Date.parse('2026-06-27T12:00:00Z')
const OPTIONS = { audience: 'purser', ignoreReference: false }
const BUDGET = { type: 'payment.budget', currency: 'USD', max: 10 }
const RECURS = { type: 'payment.agent_recurrence', frequency: 'ON_DEMAND' }
const grant = (constraints: unknown[], more: object = {}, options = OPTIONS) => grantOf(claimsAt(NOW, { constraints, ...more }), options)
const why = (...args: Parameters<typeof grant>) => {
  const result = grant(...args)
  return 'why' in result ? result.why : 'granted'
}

describe('a grant', () => {
  it('holds the budget in major units, the range in minor ones, the number, the payees and the end', () => {
    expect(grantOf(claimsAt(NOW), OPTIONS)).toEqual({
      ...{ currency: 'USD', total: 6_000_000n, perPayment: 2_000_000n, payments: 3, payees: ['api.example.com'] },
      ...{ from: 0, until: NOW + 3_600_000 },
    })
  })

  it('is for one payment unless the mandate lets the agent use it again', () => {
    expect(grant([BUDGET])).toMatchObject({ payments: 1, total: 10_000_000n })
    expect(grant([BUDGET, RECURS])).not.toHaveProperty('payments')
  })

  it('is the smaller of what two constraints of one kind allow', () => {
    const range = (max: number) => ({ type: 'payment.amount_range', currency: 'USD', max })
    const payees = (...hosts: string[]) => ({ type: 'payment.allowed_payees', allowed: hosts.map((website) => ({ website })) })
    const both = [BUDGET, { ...BUDGET, max: 4 }, range(300), range(250), payees('a.example', 'b.example'), payees('b.example', 'c.example')]
    expect(grant([...both, RECURS, { ...RECURS, max_occurrences: 5 }])).toMatchObject({
      ...{ total: 4_000_000n, perPayment: 2_500_000n, payments: 5, payees: ['b.example'] },
    })
  })

  it('takes currencies without cents for what they are', () => {
    expect(grant([{ type: 'payment.amount_range', currency: 'JPY', max: 500 }])).toMatchObject({ currency: 'JPY', total: 500_000_000n })
  })

  it('names payees by the hosts of their websites, or by address; who says neither cannot be paid', () => {
    const address = `0x${'aB'.repeat(20)}`
    const allowed = [
      ...[
        { website: 'https://Shop.Example/path' },
        { website: 'b.example:8443' },
        { id: `eip155:84532:${address}` },
        { id: 'x', name: 'Nobody' },
      ],
      ...[{ website: 'ftp://c.example' }, { website: 'https://*.example' }, { website: 'not a host' }],
    ]
    const granted = grant([BUDGET, { type: 'payment.allowed_payees', allowed }])
    expect(granted).toMatchObject({ payees: ['shop.example', 'b.example:8443', address.toLowerCase()] })
    expect(grant([BUDGET, { type: 'payment.allowed_payees', allowed: [] }])).toMatchObject({ payees: [] })
  })

  it('names the accounts that may pay, with their network where they name one; what is preset is the only choice', () => {
    const address = `0x${'ab'.repeat(20)}`
    const one = { id: `eip155:84532:${address}`, type: 'x402' }
    const instruments = {
      type: 'payment.allowed_payment_instruments',
      allowed: [
        { id: address, type: 'x402' },
        { id: 'card-1', type: 'card' },
      ],
    }
    expect(grant([BUDGET, instruments], { payment_instrument: one })).toMatchObject({ accounts: [{ address, network: 'eip155:84532' }] })
    expect(grant([BUDGET], { payment_instrument: { id: 'card-1' } })).toMatchObject({ accounts: [] })
    expect(grant([BUDGET], { payee: { website: 'https://one.example' } })).toMatchObject({ payees: ['one.example'] })
  })

  it('begins and ends with its execution date; a date alone is the day in UTC', () => {
    const date = (not_before?: string, not_after?: string) => [BUDGET, { type: 'payment.execution_date', not_before, not_after }]
    expect(grant(date('2026-06-28', '2026-06-29'), { exp: undefined })).toMatchObject({
      ...{ from: Date.parse('2026-06-28T00:00:00Z'), until: Date.parse('2026-06-30T00:00:00Z') },
    })
    expect(grant(date(undefined, '2026-06-27T12:30:00+00:00'))).toMatchObject({ until: NOW + 1_800_000 })
    expect(grant(date(undefined, '2030-01-01'))).toMatchObject({ until: NOW + 3_600_000 })
    expect(grant([BUDGET], { nbf: NOW / 1000 + 60 })).toMatchObject({ from: NOW + 60_000 })
  })

  it.each([
    [
      'an unknown constraint',
      [BUDGET, { type: 'payment.only_on_sundays' }],
      {},
      'payment.only_on_sundays is not understood here: no such type is known',
    ],
    ['an unknown member of a constraint', [{ ...BUDGET, per: 'week' }], {}, 'payment.budget is not understood here: a member is unknown'],
    ['an unknown claim', [BUDGET], { conditions: [] }, 'a member is unknown'],
    ['a status list, which nobody looks up', [BUDGET], { status: { status_list: {} } }, 'a member is unknown'],
    ['payment service providers', [BUDGET, { type: 'payment.allowed_pisps', allowed: [] }], {}, 'payment.allowed_pisps is not understood'],
    ['a least amount', [{ type: 'payment.amount_range', currency: 'USD', min: 1, max: 5 }], {}, 'least amount'],
    ['a rhythm', [BUDGET, { ...RECURS, frequency: 'WEEKLY' }], {}, 'recur WEEKLY'],
    ['a checkout', [BUDGET, { type: 'payment.reference', conditional_transaction_id: 'x' }], {}, 'payment.reference'],
    ['two currencies', [BUDGET, { type: 'payment.amount_range', currency: 'EUR', max: 5 }], {}, 'USD and EUR'],
    ['no amount', [RECURS], {}, 'states no amount'],
    ['no sum', [{ type: 'payment.amount_range', currency: 'USD', max: 5 }, RECURS], {}, 'states no sum'],
    ['a sum of nothing', [{ ...BUDGET, max: 0 }], {}, 'its sum is 0.00 USD'],
    ['no end', [BUDGET], { exp: undefined }, 'states no end'],
    ['another audience', [BUDGET], { aud: 'somebody' }, 'another audience'],
    ['a closed mandate', [BUDGET], { vct: 'mandate.payment.1' }, 'vct is missing or of another form'],
    ['a negative budget', [{ ...BUDGET, max: -1 }], {}, 'payment.budget is not understood'],
    ['a number that lost digits', [{ ...BUDGET, max: 0.1 + 0.2 }], {}, 'payment.budget is not understood'],
    ['something else as a constraint', [BUDGET, 'payment.budget'], {}, 'of an unreadable type'],
  ])('is refused for %s', (_, constraints, more, reason) => {
    expect(why(constraints, more)).toContain(reason)
  })

  it('takes a checkout’s mandate where the operator takes that on', () => {
    const reference = { type: 'payment.reference', conditional_transaction_id: 'x' }
    expect(grant([BUDGET, reference], {}, { ...OPTIONS, ignoreReference: true })).toMatchObject({ total: 10_000_000n })
  })

  it('never shows the mandate’s own text, and never throws, whatever it holds', () => {
    fc.assert(
      fc.property(fc.anything(), fc.array(fc.anything(), { maxLength: 4 }), (anything, constraints) => {
        expect(grantOf(anything, OPTIONS)).toBeDefined()
        const result = why([BUDGET, ...constraints, { type: 'payment.secret<script>' }])
        expect(result).not.toContain('script')
      }),
      { numRuns: 300 },
    )
  })
})
