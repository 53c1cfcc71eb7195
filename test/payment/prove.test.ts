import { describe, expect, it } from 'vitest'
import type { ChainFinding } from '../../src/chain/chain.ts'
import { EXPIRY_GRACE_MS, MAX_PROOF_DELAY_MS, PROOF_INTERVAL_MS } from '../../src/limits.ts'
import { type ProveDeps, prove } from '../../src/payment/prove.ts'
import { startClosingRig } from './channels/closing-rig.ts'
import { CHAIN_TX, newest, type ScriptedChain, scriptedChain, stateOf, unknownPayment, warnings } from './proof-rig.ts'
import { answer, challenge, type Rig, settled, startRig } from './rig.ts'

const SETTLED: ChainFinding = { kind: 'settled', transaction: CHAIN_TX, block: 7n, time_s: 1 }
const CANCELLED: ChainFinding = { kind: 'cancelled', transaction: CHAIN_TX, block: 8n }
const DEAD: ChainFinding = { kind: 'dead', block: 9n, time_s: 1 }
const OPEN: ChainFinding = { kind: 'open', reason: 'Unused so far.' }
const UNAVAILABLE: ChainFinding = { kind: 'unavailable', reason: 'rpc.example gave no answer.' }

function depsOf(rig: Rig, chain: ScriptedChain): ProveDeps & { said: string[] } {
  const { said, events } = warnings()
  return { ledger: rig.ledger, chain, clock: rig.clock, events, said }
}

describe('an unknown payment', () => {
  it('is settled, spent and confirmed where the chain shows the transfer', async () => {
    await using rig = await startRig()
    const chain = Object.assign(scriptedChain(), { shows: SETTLED })
    const payment = await unknownPayment(rig)
    expect(payment.state).toBe('unknown')
    expect(await prove(depsOf(rig, chain), payment)).toMatchObject({
      kind: 'resolved',
      resolved: { outcome: 'settled', transaction: CHAIN_TX },
    })
    expect(await stateOf(rig, payment.id)).toMatchObject({
      state: 'settled',
      evidence: 'confirmed',
      block: '7',
      dispute: 'settled_though_denied',
    })
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
  })

  it.each([
    ['was cancelled', CANCELLED],
    ['is unused in a final block after its end', DEAD],
  ])('is void and freed where it %s', async (_, shows) => {
    await using rig = await startRig()
    const chain = Object.assign(scriptedChain(), { shows })
    const payment = await unknownPayment(rig)
    expect(await prove(depsOf(rig, chain), payment)).toMatchObject({ kind: 'resolved', resolved: { outcome: 'void' } })
    expect(await stateOf(rig, payment.id)).toMatchObject({ state: 'void', evidence: 'confirmed' })
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 0n, payments: 0 })
  })

  it('whose nonce was used otherwise counts as spent, is under dispute, and is said aloud', async () => {
    await using rig = await startRig()
    const shows = { kind: 'used_otherwise', transaction: CHAIN_TX, block: 7n, reason: 'Used without the transfer.' } as const
    const deps = depsOf(rig, Object.assign(scriptedChain(), { shows }))
    const payment = await unknownPayment(rig)
    expect(await prove(deps, payment)).toMatchObject({ kind: 'resolved', resolved: { outcome: 'used_otherwise' } })
    expect(await stateOf(rig, payment.id)).toMatchObject({ state: 'settled', dispute: 'taken_otherwise' })
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
    expect(deps.said).toEqual([expect.stringContaining(payment.id)])
  })

  it.each([
    ['nothing is certain', OPEN],
    ['the network cannot be asked', UNAVAILABLE],
  ])('stays held where %s, and is looked at again at its end', async (_, shows) => {
    await using rig = await startRig()
    const chain = Object.assign(scriptedChain(), { shows })
    const payment = await unknownPayment(rig)
    const end = (payment.validBefore_s ?? 0) * 1000
    expect(await prove(depsOf(rig, chain), payment)).toEqual({ kind: shows.kind, reason: expect.any(String), lookAgain: end })
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 1_000n })
  })

  it('that can be taken for hours is looked at every two minutes', async () => {
    await using rig = await startRig()
    const chain = Object.assign(scriptedChain(), { shows: OPEN })
    const payment = { ...(await unknownPayment(rig)), validBefore_s: Math.floor(rig.clock.now() / 1000) + 86_400 }
    expect(await prove(depsOf(rig, chain), payment)).toMatchObject({ kind: 'open', lookAgain: rig.clock.now() + 120_000 })
  })

  it('that the chain has in a block which is not final is looked at again soon', async () => {
    await using rig = await startRig()
    const shows: ChainFinding = { kind: 'open', reason: 'Seen.', seen: { transaction: CHAIN_TX, block: 7n } }
    const payment = await unknownPayment(rig)
    const proven = await prove(depsOf(rig, Object.assign(scriptedChain(), { shows })), payment)
    expect(proven).toMatchObject({ kind: 'open', lookAgain: rig.clock.now() + PROOF_INTERVAL_MS })
  })

  it.each([UNAVAILABLE, OPEN])('stays held for ever while nobody can tell, and is asked for less and less often', async (shows) => {
    await using rig = await startRig()
    const deps = depsOf(rig, Object.assign(scriptedChain(), { shows }))
    const payment = await unknownPayment(rig)
    const waits: number[] = []
    for (const minutes of [2, 10, 60, 60 * 24 * 365]) {
      rig.clock.advance(minutes * 60_000)
      const proven = await prove(deps, payment)
      waits.push(proven.kind === 'resolved' ? 0 : proven.lookAgain - rig.clock.now())
    }
    expect(waits).toEqual([15_000, 165_000, MAX_PROOF_DELAY_MS, MAX_PROOF_DELAY_MS])
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 1_000n })
  })
})

describe('a payment on a network that cannot be asked', () => {
  it('counts as spent some time after its end, and not before', async () => {
    await using rig = await startRig()
    const deps = depsOf(rig, scriptedChain([]))
    const payment = await unknownPayment(rig)
    const due = (payment.validBefore_s ?? 0) * 1000 + EXPIRY_GRACE_MS
    rig.clock.advance(due - rig.clock.now() - 1)
    expect(await prove(deps, payment)).toMatchObject({ kind: 'open', lookAgain: due })
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 1_000n })
    rig.clock.advance(1)
    expect(await prove(deps, payment)).toMatchObject({ kind: 'resolved', resolved: { outcome: 'expired' } })
    expect(await stateOf(rig, payment.id)).toMatchObject({ state: 'expired', evidence: null })
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
  })

  it('and expired is freed or confirmed once its chain can be asked', async () => {
    await using rig = await startRig()
    const [first, second] = [await unknownPayment(rig), await unknownPayment(rig, 'https://api.example.com/other')]
    rig.clock.advance(600_000)
    for (const payment of [first, second]) await prove(depsOf(rig, scriptedChain([])), payment)
    const shows = (nonce: string) => (nonce === first.nonce ? DEAD : SETTLED)
    const deps = depsOf(rig, Object.assign(scriptedChain(), { shows }))
    for (const { id } of [first, second]) await prove(deps, (await stateOf(rig, id)) ?? first)
    expect(await stateOf(rig, first.id)).toMatchObject({ state: 'void' })
    expect(await stateOf(rig, second.id)).toMatchObject({ state: 'settled', evidence: 'confirmed' })
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
  })
})

describe('a settlement that a server claimed', () => {
  it('is confirmed by the chain, and stays spent', async () => {
    await using rig = await startRig()
    await rig.pay(() => settled())
    const payment = await newest(rig)
    expect(payment).toMatchObject({ state: 'settled', evidence: 'claimed' })
    const shows = { ...SETTLED, transaction: payment.transaction ?? '' }
    const proven = await prove(depsOf(rig, Object.assign(scriptedChain(), { shows })), payment)
    expect(proven).toMatchObject({ kind: 'resolved', resolved: { outcome: 'confirmed' } })
    expect(await stateOf(rig, payment.id)).toMatchObject({ state: 'settled', evidence: 'confirmed' })
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
  })

  it('that never was is freed again, and said aloud', async () => {
    await using rig = await startRig()
    await rig.pay(() => settled())
    const payment = await newest(rig)
    const deps = depsOf(rig, Object.assign(scriptedChain(), { shows: DEAD }))
    await prove(deps, payment)
    expect(await stateOf(rig, payment.id)).toMatchObject({ state: 'void' })
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 0n })
    expect(deps.said).toEqual([expect.stringContaining('the chain shows that it never was')])
  })
})

describe('proving', () => {
  it('never overrules what is final: the contradiction is told, and looked at again later', async () => {
    await using rig = await startRig()
    const payment = await unknownPayment(rig)
    await prove(depsOf(rig, Object.assign(scriptedChain(), { shows: DEAD })), payment)
    const deps = depsOf(rig, Object.assign(scriptedChain(), { shows: SETTLED }))
    const proven = await prove(deps, payment)
    expect(proven).toMatchObject({ kind: 'contradicted', lookAgain: rig.clock.now() + MAX_PROOF_DELAY_MS })
    expect(await stateOf(rig, payment.id)).toMatchObject({ state: 'void' })
    expect(deps.said).toEqual([expect.stringContaining('contradicts what is final')])
  })

  it('looks for exactly what was signed', async () => {
    await using rig = await startRig()
    const payment = await unknownPayment(rig)
    const asked: unknown[] = []
    const find = async (transfer: unknown) => {
      asked.push(transfer)
      return OPEN
    }
    const chain = { ...scriptedChain(), find }
    await prove({ ...depsOf(rig, scriptedChain()), chain }, payment)
    const { terms, nonce, validBefore_s, signedAt } = payment
    const { network, payer, payTo, amountAtomic, asset } = terms ?? {}
    const signedAt_s = Math.floor((signedAt ?? 0) / 1000)
    expect(asked).toEqual([{ network, token: asset?.address, payer, payTo, amountAtomic, nonce, validBefore_s, signedAt_s }])
  })

  it('is not for payments that were never signed', async () => {
    await using rig = await startRig()
    await rig.pay(() => answer(200), { request: rig.request({ hints: { payNever: true } }) })
    await expect(prove(depsOf(rig, scriptedChain()), await newest(rig))).rejects.toThrow('never signed')
  })
})

describe('two payments with one nonce', () => {
  const taken = { transaction: CHAIN_TX, block: 7n } as const
  const OTHERWISE: ChainFinding = { kind: 'used_otherwise', ...taken, reason: 'Used without the transfer.' }

  /** The first attempt was paid 1,000, and answered by a challenge over `amount`, which was paid with the same nonce. */
  async function pair(rig: Rig, amount: string) {
    for (let time = 0; time < 2; time++) {
      const outcome = await rig.pay(() => settled())
      if (outcome.kind === 'answer') await outcome.delivered({ status: 200, bytes: 5, complete: true })
    }
    let asked = 0
    const outcome = await rig.payFirst(() => (asked++ === 0 ? answer(402) : answer(503)), { again: () => challenge({ amount }) })
    if (outcome?.kind === 'answer') await outcome.delivered({ status: 503, bytes: 5, complete: true })
    const newer = await newest(rig)
    const older = await rig.ledger.payment(newer.replaces ?? '')
    if (!older) throw new Error('nothing was replaced')
    return { newer, older }
  }
  /** A chain on which a transfer of this amount happened. */
  const showing = (amount: bigint) =>
    Object.assign(scriptedChain(), {
      find: async (asked: { amountAtomic: bigint }) => (asked.amountAtomic === amount ? SETTLED : OTHERWISE),
    })

  it.each([
    ['the newer one', 3_000n, 'void', 'settled'],
    ['the older one', 1_000n, 'settled', 'void'],
  ])('G3: the chain took %s, so that one is spent and the other one is free', async (_name, amount, older, newer) => {
    await using rig = await startRig({ preemptive: {} })
    const two = await pair(rig, '3000')
    const before = await rig.balance()
    expect(before).toMatchObject({ spent: 2_000n, held: 4_000n })
    const deps = depsOf(rig, showing(amount))
    for (const payment of [two.older, two.newer]) expect(await prove(deps, payment)).toMatchObject({ kind: 'resolved' })
    expect([await stateOf(rig, two.older.id), await stateOf(rig, two.newer.id)]).toMatchObject([{ state: older }, { state: newer }])
    expect(await rig.balance()).toMatchObject({ spent: 2_000n + amount, held: 0n, payments: 3 })
    expect(deps.said).toEqual([])
  })

  it.each([0, 1])('that would have made the same transfer are spent once (%i is asked about first)', async (first) => {
    await using rig = await startRig({ preemptive: {} })
    const two = await pair(rig, '1000')
    const deps = depsOf(rig, showing(1_000n))
    const order = first === 0 ? [two.older, two.newer] : [two.newer, two.older]
    for (const payment of order) await prove(deps, payment)
    expect([await stateOf(rig, two.older.id), await stateOf(rig, two.newer.id)]).toMatchObject([{ state: 'void' }, { state: 'settled' }])
    expect(await rig.balance()).toMatchObject({ spent: 3_000n, held: 0n, payments: 3 })
  })

  it('are told apart only once the newer one has left or never will', async () => {
    await using rig = await startRig({ preemptive: {} })
    const two = await pair(rig, '1000')
    const ledger = {
      ...rig.ledger,
      resolve: rig.ledger.resolve.bind(rig.ledger),
      payment: async () => ({ ...two.newer, state: 'signed' as const }),
    }
    expect(await prove({ ...depsOf(rig, showing(1_000n)), ledger }, two.older)).toMatchObject({ kind: 'open' })
    expect(await stateOf(rig, two.older.id)).toMatchObject({ state: 'unknown' })
  })

  it('of which neither was taken as it was signed are for people to look at', async () => {
    await using rig = await startRig({ preemptive: {} })
    const two = await pair(rig, '3000')
    const deps = depsOf(rig, showing(7n))
    await prove(deps, two.older)
    expect(await stateOf(rig, two.older.id)).toMatchObject({ state: 'settled', dispute: 'taken_otherwise' })
    expect(deps.said).toEqual([expect.stringContaining(two.older.id)])
  })
})

describe('a payment through a channel', () => {
  it('is proven by the deposit’s own transfer, which goes to the collector and not to the recipient', async () => {
    await using rig = await startClosingRig()
    const channel = await rig.open(50_000n)
    await rig.pass()
    await rig.proveAll()
    expect((await rig.payments())[0]).toMatchObject({
      state: 'settled',
      evidence: 'confirmed',
      terms: { method: 'deposit', payTo: channel.receiver },
    })
    expect(rig.told).toEqual([])
  })

  it('is open as a voucher while its channel is, and is looked at now and then', async () => {
    await using rig = await startClosingRig()
    const { payment } = await rig.buy(await rig.open(50_000n), 'lost')
    const deps = { ledger: rig.ledger, chain: scriptedChain(), clock: rig.clock, events: warnings().events }
    expect(await prove(deps, payment)).toMatchObject({ kind: 'open', lookAgain: rig.clock.now() + MAX_PROOF_DELAY_MS })
    expect(deps.chain.looked).toEqual([])
  })
})
