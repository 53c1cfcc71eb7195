import { describe, expect, it } from 'vitest'
import { createFunds, type FundsOptions } from '../../src/payment/balance.ts'
import type { PaymentOutcome } from '../../src/session/exchange.ts'
import { testClock } from '../clock.ts'
import { termsOf } from '../ledger/fixtures.ts'
import { NETWORK, settleDown, settled, startRig } from './rig.ts'

/** Costs `amount` atomic units. */
const priced = (amount: bigint, changes = {}) => ({ ...termsOf(amount), network: NETWORK, amountAtomic: amount, ...changes })

interface World {
  balance: bigint | Error
  held: bigint
  readonly asked: string[]
  readonly warnings: string[]
}

function rig(changes: Partial<World> = {}, options: Partial<FundsOptions> = {}) {
  const world: World = { balance: 100n, held: 0n, asked: [], warnings: [], ...changes }
  const clock = testClock()
  const funds = createFunds({
    chain: {
      networks: [NETWORK],
      balance: async ({ network, token, wallet }) => {
        world.asked.push([network, token, wallet].join(' '))
        if (world.balance instanceof Error) throw world.balance
        return world.balance
      },
    },
    ledger: { heldBy: async () => world.held },
    clock,
    events: { warned: (sentence) => world.warnings.push(sentence) },
    pause: () => new Promise(() => undefined),
    ...options,
  })
  const take = async (amount: bigint, more = {}) => {
    const covered = await funds.cover(priced(amount, more))
    return covered.kind === 'covered' ? covered.cover : covered.refusal
  }
  const verdict = async (amount: bigint, more = {}) => (await funds.cover(priced(amount, more))).kind
  return { world, clock, funds, take, verdict }
}

describe('the wallet’s balance as a ceiling', () => {
  it('covers what the wallet holds to the last unit, and refuses the next one with what is free', async () => {
    const { verdict, take } = rig()
    expect(await verdict(60n)).toBe('covered')
    expect(await verdict(40n)).toBe('covered')
    expect(await take(1n)).toMatchObject({ code: 'wallet_insufficient', detail: expect.stringContaining('the wallet has 0 USDC free') })
  })

  it('forgets the wallet that was asked about longest ago, but none whose money nobody else counts', async () => {
    const { verdict, take, world } = rig({}, { most: 2 })
    const [busy, quiet, third] = ['a', 'b', 'c'].map((digit) => ({ payer: `0x${digit.repeat(40)}` }))
    const covered = await take(60n, busy)
    const reserved = await take(60n, quiet)
    if ('reserved' in reserved) reserved.reserved()
    await verdict(1n, third)
    expect(await verdict(60n, busy)).toBe('refused')
    expect(world.asked).toHaveLength(3)
    // Read anew, and what the ledger holds by then is in the reading.
    world.held = 60n
    expect(await verdict(60n, quiet)).toBe('refused')
    expect(world.asked).toHaveLength(4)
    expect(covered).toHaveProperty('release')
  })

  it('and the allowance to Permit2 cover a permit both or not at all', async () => {
    const chain = { networks: [NETWORK], balance: async () => 150n, allowance: async () => 100n }
    const { take, verdict } = rig({}, { chain })
    const permit = { method: 'permit2' }
    const rest = await take(60n)
    expect(await take(100n, permit)).toMatchObject({ detail: expect.stringContaining('the wallet has 0.00009 USDC free') })
    if ('release' in rest) rest.release()
    const cover = await take(100n, permit)
    expect(await take(1n, permit)).toMatchObject({ detail: expect.stringContaining('permits that are out may still take 0.0001 USDC') })
    if ('release' in cover) cover.release()
    expect(await verdict(100n, permit)).toBe('covered')
  })

  it('takes off what payments of all sessions may still take', async () => {
    const { verdict } = rig({ held: 70n })
    expect(await verdict(31n)).toBe('refused')
    expect(await verdict(30n)).toBe('covered')
  })

  it('lets no two of 200 parallel payments be covered by the same money, while the balance is still being read', async () => {
    const { verdict, world } = rig()
    const verdicts = await Promise.all(Array.from({ length: 200 }, () => verdict(10n)))
    expect(verdicts.filter((one) => one === 'covered')).toHaveLength(10)
    expect(world.asked).toHaveLength(1)
  })

  it('asks once for many payments, about the wallet’s own token, and keeps networks, tokens and wallets apart', async () => {
    const { verdict, world } = rig()
    const { asset, payer } = priced(1n)
    for (let payment = 0; payment < 5; payment++) await verdict(1n)
    expect(world.asked).toEqual([`${NETWORK} ${asset.address} ${payer}`])
    expect(await verdict(100n, { payer: `0x${'7'.repeat(40)}` })).toBe('covered')
    expect(await verdict(100n, { asset: { ...asset, address: `0x${'8'.repeat(40)}` } })).toBe('covered')
    expect(await verdict(100n, { payer: payer.toUpperCase().replace('0X', '0x') })).toBe('refused')
  })

  it('gives back what was not reserved, and counts what was only until the ledger is asked again', async () => {
    const { take, verdict, world, clock } = rig()
    const [kept, dropped] = [await take(60n), await take(40n)]
    if (!('release' in kept) || !('release' in dropped)) throw new Error('not covered')
    kept.reserved()
    dropped.release()
    expect(await verdict(41n)).toBe('refused')
    world.held = 60n
    clock.advance(1_000)
    expect(await verdict(41n)).toBe('refused')
    expect(await verdict(40n)).toBe('covered')
  })

  it('keeps counting through a reading what was covered before it and not reserved yet', async () => {
    const { take, verdict, clock, world } = rig()
    await take(60n)
    clock.advance(60_000)
    expect(await verdict(41n)).toBe('refused')
    expect(world.asked).toHaveLength(2)
  })

  it('sees new money a second later, and asks no more often than that', async () => {
    const { verdict, world, clock } = rig({ balance: 0n })
    expect(await verdict(10n)).toBe('refused')
    world.balance = 10n
    expect(await verdict(10n)).toBe('refused')
    expect(world.asked).toHaveLength(1)
    clock.advance(1_000)
    expect(await verdict(10n)).toBe('covered')
  })

  it('reads again in the background what is some seconds old, and waits for it where it is much older', async () => {
    const { verdict, world, clock } = rig()
    await verdict(1n)
    clock.advance(5_000)
    world.balance = 5n
    expect(await verdict(50n)).toBe('covered')
    await settleDown()
    expect(await verdict(50n)).toBe('refused')
    world.balance = 500n
    clock.advance(30_000)
    expect(await verdict(400n)).toBe('covered')
  })

  it('refuses nothing where nobody can tell, says so once, and asks again a second later', async () => {
    const { verdict, funds, world, clock } = rig({ balance: new Error('no answer') })
    expect([await verdict(10_000n), await verdict(10_000n)]).toEqual(['covered', 'covered'])
    clock.advance(1_000)
    await verdict(1n)
    expect(world.asked).toHaveLength(2)
    expect(world.warnings).toEqual([expect.stringContaining('payments go on without this ceiling')])
    const { network, asset, payer } = priced(1n)
    expect(await funds.holding({ network, token: asset.address, payer })).toBeUndefined()
    world.balance = 3n
    clock.advance(1_000)
    expect(await verdict(4n)).toBe('refused')
  })

  it('does not wait for a server that is silent', async () => {
    const silent = { networks: [NETWORK], balance: () => new Promise<bigint>(() => undefined) }
    const { verdict, world } = rig({}, { chain: silent, pause: async () => undefined })
    expect(await verdict(10_000n)).toBe('covered')
    expect(world.warnings).toHaveLength(1)
  })

  it('asks nobody about a network without an RPC', async () => {
    const { verdict, funds, world } = rig()
    expect(await verdict(10_000n, { network: 'eip155:1' })).toBe('covered')
    expect(await funds.holding({ network: 'eip155:1', token: '0x', payer: '0x' })).toBeUndefined()
    expect(world.asked).toEqual([])
  })

  it('tells people what there is and what of it is free', async () => {
    const { funds, take } = rig({ held: 20n })
    await take(30n)
    const { network, asset, payer } = priced(1n)
    expect(await funds.holding({ network, token: asset.address, payer })).toEqual({ balance: 100n, free: 50n })
  })
})

describe('a payment that the wallet cannot cover', () => {
  const codeOf = (outcome: PaymentOutcome) => (outcome.kind === 'refuse' ? outcome.refusal.code : outcome.kind)

  it('shows people new money a second later, however fresh a payment would find the last reading', async () => {
    const { clock, funds, world } = rig({ balance: 0n })
    const wallet = { network: NETWORK, token: priced(1n).asset.address, payer: priced(1n).payer }
    expect(await funds.holding(wallet)).toEqual({ balance: 0n, free: 0n })
    world.balance = 50n
    clock.advance(999)
    expect(await funds.holding(wallet)).toEqual({ balance: 0n, free: 0n })
    clock.advance(1)
    expect(await funds.holding(wallet)).toEqual({ balance: 50n, free: 50n })
    expect(world.asked).toHaveLength(2)
  })

  it('is refused before anything is reserved, signed or sent, and is written down', async () => {
    await using it = await startRig({ balance: async () => 999n })
    const outcome = await it.pay(() => settled())
    expect(outcome).toMatchObject({ kind: 'refuse', refusal: { code: 'wallet_insufficient', paymentId: expect.stringMatching(/^pay_/) } })
    expect(it.sent).toEqual([])
    expect(await it.balance()).toMatchObject({ spent: 0n, held: 0n, payments: 0 })
    const { items } = await it.ledger.payments({}, { limit: 10 })
    expect(items).toMatchObject([{ state: 'denied', code: 'wallet_insufficient' }])
  })

  it('is one of three sessions’ whose wallet holds money for two, whatever their caps are', async () => {
    await using it = await startRig({ balance: async () => 2_000n })
    const sessions = await Promise.all([1, 2, 3].map(() => it.openSession()))
    const outcomes = await Promise.all(sessions.map((session) => it.pay(() => settled(), { request: it.request({ session }) })))
    expect(outcomes.map(codeOf).toSorted()).toEqual(['answer', 'answer', 'wallet_insufficient'])
  })

  it('gives its cover back where the ledger refuses it', async () => {
    await using it = await startRig({ balance: async () => 1_000n, session: { cap: 500n } })
    expect(codeOf(await it.pay(() => settled()))).toBe('spending_limit_exceeded')
    const rich = await it.openSession()
    expect(codeOf(await it.pay(() => settled(), { request: it.request({ session: rich }) }))).toBe('answer')
  })
})
