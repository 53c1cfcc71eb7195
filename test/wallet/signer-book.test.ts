import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Charge, SignerBook } from '../../src/wallet/signer-book.ts'

const NOON = Date.UTC(2026, 10, 23, 12)
const DAY_MS = 86_400_000
const caps = { perPayment: 10_000_000n, perSession: 25_000_000n, perDay: 40_000_000n }
const charge = (over: Partial<Charge> = {}): Charge => ({
  ...{ sessionId: 's1', paymentId: 'p1', place: 'n1', nonce: 'n1', amount: 10_000_000n, until_s: NOON / 1000 + 60 },
  ...over,
})
const at = (n: number) => ({ paymentId: `p${n}`, place: `n${n}`, nonce: `n${n}` })

describe('the book of the signer', () => {
  it('two payments of 10 fit into a session of 25, the third does not', () => {
    const book = new SignerBook(caps)
    expect(book.admit(charge(at(1)), NOON).kind).toBe('charge')
    expect(book.admit(charge(at(2)), NOON).kind).toBe('charge')
    expect(book.admit(charge(at(3)), NOON)).toEqual({
      kind: 'refused',
      detail: 'The signer has signed 20.00 for this session, and 25.00 is the most it signs for one.',
    })
    expect(book.head).toMatchObject({ paymentId: 'p2' })
  })

  it('a payment above the cap of one is refused', () => {
    expect(new SignerBook(caps).admit(charge({ amount: 10_000_001n }), NOON)).toMatchObject({ kind: 'refused' })
  })

  it('the day ends with the calendar, and a clock that goes back opens no second one', () => {
    const book = new SignerBook(caps)
    for (const n of [1, 2, 3, 4]) expect(book.admit(charge({ ...at(n), sessionId: `s${n}` }), NOON).kind).toBe('charge')
    expect(book.admit(charge({ ...at(5), sessionId: 's5' }), NOON)).toMatchObject({ kind: 'refused' })
    expect(book.admit(charge({ ...at(5), sessionId: 's5' }), NOON - DAY_MS)).toMatchObject({ kind: 'refused' })
    expect(book.admit(charge({ ...at(5), sessionId: 's5' }), NOON + DAY_MS).kind).toBe('charge')
  })

  it('a nonce signed again counts by how much it rises, and never for another session', () => {
    const book = new SignerBook(caps)
    expect(book.admit(charge({ amount: 4n }), NOON)).toMatchObject({ added: 4n })
    expect(book.admit(charge({ amount: 4n }), NOON)).toMatchObject({ added: 0n })
    expect(book.admit(charge({ amount: 7n }), NOON)).toMatchObject({ added: 3n })
    expect(book.admit(charge({ amount: 5n }), NOON)).toMatchObject({ added: 0n })
    expect(book.admit(charge({ amount: 7n }), NOON)).toMatchObject({ added: 0n })
    expect(book.admit(charge({ amount: 1n, sessionId: 's2' }), NOON)).toMatchObject({ kind: 'refused' })
  })

  it('never admits more than its caps, and a book made of its entries goes on as it would have', () => {
    const step = fc.record({
      session: fc.integer({ min: 1, max: 3 }),
      nonce: fc.integer({ min: 1, max: 12 }),
      amount: fc.bigInt({ min: 0n, max: 12_000_000n }),
      hours: fc.integer({ min: -30, max: 30 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const book = new SignerBook(caps)
        const twin = new SignerBook(caps)
        const most = new Map<string, { session: number; amount: bigint }>()
        for (const { session, nonce, amount, hours } of steps) {
          const asked = charge({ ...at(nonce), sessionId: `s${session}`, amount })
          const admitted = book.admit(asked, NOON + hours * 3_600_000)
          if (admitted.kind !== 'charge') continue
          twin.enter(admitted)
          const before = most.get(asked.place)?.amount ?? 0n
          most.set(asked.place, { session, amount: amount > before ? amount : before })
        }
        for (const session of [1, 2, 3]) {
          const taken = [...most.values()].filter((one) => one.session === session).reduce((sum, one) => sum + one.amount, 0n)
          expect(taken <= caps.perSession).toBe(true)
        }
        const next = charge({ ...at(99), amount: 9_000_000n })
        expect(twin.admit(next, NOON)).toEqual(book.admit(next, NOON))
      }),
    )
  })

  it('an accepted ledger starts a new head and gives nothing back', () => {
    const book = new SignerBook(caps)
    book.admit(charge(at(1)), NOON)
    book.admit(charge(at(2)), NOON)
    book.enter({ kind: 'accepted' })
    expect(book.head).toBeUndefined()
    expect(book.admit(charge(at(3)), NOON)).toMatchObject({ kind: 'refused' })
  })
})
