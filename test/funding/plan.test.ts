import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { atomicWithin, hasEnded, isFunded, missingOf, netOf, nextInflow, nextOutflow } from '../../src/funding/plan.ts'
import { MAX_CAP } from '../../src/limits.ts'
import { priceOf } from '../../src/money.ts'
import { move, OPENED, session, USDC } from './fixtures.ts'

const usdc = (units: number) => BigInt(units) * 1_000_000n

describe('what a session that goes on gets', () => {
  it.each([
    ['the cap, first', {}, [], { kind: 'fund', amountAtomic: usdc(10) }],
    ['nothing more', {}, [move(1)], { kind: 'rest' }],
    ['nothing more after it has spent', { spent: usdc(4) }, [move(1)], { kind: 'rest' }],
    ['what the cap grew by', { cap: usdc(15), spent: usdc(4) }, [move(1)], { kind: 'topup', amountAtomic: usdc(5) }],
    ['all of it again where the first never came', {}, [move(1, { state: 'failed' })], { kind: 'fund', amountAtomic: usdc(10) }],
    [
      'what was swept, with what it grew by, where it goes on after its end',
      { cap: usdc(15), spent: usdc(3) },
      [move(1), move(2, { kind: 'sweep', amountAtomic: usdc(7) })],
      { kind: 'topup', amountAtomic: usdc(12) },
    ],
    [
      'no more than it may spend, where strangers’ money was swept too',
      { cap: usdc(10), spent: usdc(3) },
      [move(1), move(2, { kind: 'sweep', amountAtomic: usdc(50) })],
      { kind: 'topup', amountAtomic: usdc(7) },
    ],
    ['nothing without a cap', { cap: 0n }, [], { kind: 'rest' }],
  ] as const)('%s', (_, more, fundings, next) => {
    expect(nextInflow(session(more), fundings, USDC)).toEqual(next)
  })

  const rates = fc.bigInt(1n, 10n ** 13n)
  const amounts = fc.bigInt(0n, MAX_CAP)
  const decimals = fc.integer({ min: 0, max: 36 })

  it('is never worth more than what it is for, and one unit more would be, whatever the token', () => {
    fc.assert(
      fc.property(amounts, rates, decimals, (amount, rate, places) => {
        const asset = { ...USDC, rate, decimals: places }
        const atomic = atomicWithin(amount, asset)
        expect(priceOf(atomic, asset)).toBeLessThanOrEqual(amount)
        expect(priceOf(atomic + 1n, asset)).toBeGreaterThan(amount)
      }),
    )
  })

  it('G1: with all that came before never exceeds the cap, however it was moved about', () => {
    const states = fc.constantFrom('planned', 'sent', 'done', 'failed')
    const moves = fc.array(fc.tuple(fc.constantFrom('fund', 'topup', 'sweep'), states, fc.bigInt(0n, 2n ** 60n)), { maxLength: 8 })
    fc.assert(
      fc.property(amounts, amounts, moves, (cap, spent, list) => {
        const fundings = list.map(([kind, state, amountAtomic], n) => move(n + 1, { kind, state, amountAtomic }))
        const missing = missingOf({ cap, spent }, fundings, USDC)
        expect(missing).toBeGreaterThanOrEqual(0n)
        expect(missing === 0n || netOf(fundings) + missing <= atomicWithin(cap, USDC)).toBe(true)
        expect(missing).toBeLessThanOrEqual(atomicWithin(cap - spent, USDC))
      }),
    )
  })
})

describe('what a session that has ended gives back', () => {
  const now = OPENED + 10_000
  const ended = { session: session({ status: 'closed', spent: usdc(4) }), account: { endedAt: now }, fundings: [move(1)], asset: USDC }

  it.each([
    ['all that is there', {}, { kind: 'sweep', amountAtomic: usdc(6) }],
    ['nothing while the session holds something', { session: session({ held: 1n }) }, { kind: 'wait' }],
    ['nothing while a payment of anybody may take from there', { held: 1n }, { kind: 'wait' }],
    ['nothing where nothing is', { balance: 0n }, { kind: 'rest' }],
    ['less than the books say, where that is all', { balance: 1n }, { kind: 'sweep', amountAtomic: 1n }],
    ['nothing while a claimed settlement may still come', { balance: usdc(7) }, { kind: 'wait' }],
    ['everything once no window can be open', { balance: usdc(7), now: now + 180_000 }, { kind: 'sweep', amountAtomic: usdc(7) }],
    ['nothing yet right before that', { balance: usdc(7), now: now + 179_999 }, { kind: 'wait' }],
  ])('%s', (_, more, next) => {
    expect(nextOutflow({ ...ended, balance: usdc(6), held: 0n, now, ...more })).toMatchObject(next)
  })
})

describe('who is funded', () => {
  it.each([
    [{}, true],
    [{ parent: 'ses_b' }, false],
    [{ wallet: null }, false],
    [{ wallet: 'ses_b' }, false],
    [{ currency: 'EUR' }, false],
    [{ networks: ['eip155:8453'] }, false],
    [{ assets: ['EURC'] }, false],
    [{ assets: [USDC.address.toLowerCase()] }, true],
  ])('%j: %s', (more, is) => {
    expect(isFunded(session(more), USDC)).toBe(is)
  })

  it('a session has ended by its state or by time, at that very moment', () => {
    const { expiresAt } = session()
    expect([hasEnded(session(), expiresAt - 1), hasEnded(session(), expiresAt)]).toEqual([false, true])
    expect(hasEnded(session({ status: 'revoked' }), OPENED)).toBe(true)
  })
})
