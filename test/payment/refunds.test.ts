import { describe, expect, it } from 'vitest'
import type { Incoming } from '../../src/chain/chain.ts'
import { ESCROW } from '../../src/channel-digest.ts'
import type { Payment } from '../../src/ledger/ledger.ts'
import { lookForRefunds, matchRefund } from '../../src/payment/refunds.ts'
import { type ScriptedChain, scriptedChain, warnings } from './proof-rig.ts'
import { challenge, NETWORK, PAY_TO, type Rig, settled, startRig } from './rig.ts'

const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e'
const STRANGER = '0x857b06519E91e3A54538791bDbb0E22373e36b66'

async function watchedOf(rig: Rig) {
  return { network: NETWORK, wallet: await rig.deps.wallet.address(null), tokens: [USDC] }
}

async function transferBack(rig: Rig, changes: Partial<Incoming> = {}): Promise<Incoming> {
  const to = await rig.deps.wallet.address(null)
  return {
    network: NETWORK,
    token: USDC,
    from: PAY_TO,
    to,
    amountAtomic: 1_000n,
    transaction: '0xfeed',
    logIndex: 3,
    block: 150n,
    ...changes,
  }
}

/** Buys this for so much. */
async function buy(rig: Rig, name: string, amount: string): Promise<Payment> {
  const url = `https://api.example.com/${name}`
  await rig.pay(() => settled(), { request: rig.request({ url }), unpaid: challenge({ amount, resource: url }) })
  const [payment] = (await rig.ledger.payments({}, { limit: 1 })).items
  if (!payment) throw new Error('nothing was bought')
  return payment
}

/** Looks once to find out where the chain is, lets these transfers happen, and looks again. */
async function look(rig: Rig, chain: ScriptedChain, transfers: readonly Incoming[]) {
  const { said, events } = warnings()
  const deps = { ledger: rig.ledger, chain, clock: rig.clock, events }
  await lookForRefunds(deps, await watchedOf(rig))
  chain.incomingTransfers = transfers
  chain.head += 100n
  return { ...(await lookForRefunds(deps, await watchedOf(rig))), said, deps }
}

describe('a transfer back', () => {
  it('is counted for the payment, and no budget grows by it', async () => {
    await using rig = await startRig()
    const payment = await buy(rig, 'a', '1000')
    const { refunds, unmatched } = await look(rig, scriptedChain(), [await transferBack(rig, { amountAtomic: 400n })])
    const source = `${NETWORK}/0xfeed/3`
    expect({ refunds, unmatched }).toEqual({
      refunds: [{ paymentId: payment.id, source, amountAtomic: 400n, symbol: 'USDC', transaction: '0xfeed' }],
      unmatched: [],
    })
    expect(await rig.ledger.payment(payment.id)).toMatchObject({ state: 'settled', refunded: 400n })
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
  })

  it('is counted once, however often its block is looked at', async () => {
    await using rig = await startRig()
    const payment = await buy(rig, 'a', '1000')
    const chain = scriptedChain()
    const transfer = await transferBack(rig, { amountAtomic: 400n })
    const { deps } = await look(rig, chain, [transfer])
    await rig.ledger.scanned(NETWORK, (await watchedOf(rig)).wallet, 100n)
    expect(await lookForRefunds(deps, await watchedOf(rig))).toEqual({ refunds: [], unmatched: [] })
    expect(await rig.ledger.payment(payment.id)).toMatchObject({ refunded: 400n })
  })

  it('is counted once also where, looked at again, another payment fits', async () => {
    await using rig = await startRig()
    const older = await buy(rig, 'a', '1000')
    const newer = await buy(rig, 'b', '1000')
    const { deps, refunds } = await look(rig, scriptedChain(), [await transferBack(rig)])
    expect(refunds).toMatchObject([{ paymentId: newer.id }])
    await rig.ledger.scanned(NETWORK, (await watchedOf(rig)).wallet, 100n)
    expect(await lookForRefunds(deps, await watchedOf(rig))).toEqual({ refunds: [], unmatched: [] })
    expect(await rig.ledger.payment(older.id)).toMatchObject({ refunded: 0n })
    expect(await rig.ledger.payment(newer.id)).toMatchObject({ refunded: 1_000n })
    expect(await rig.ledger.scannedTo(NETWORK, (await watchedOf(rig)).wallet)).toBe(200n)
  })

  it('beyond what is left of every payment is told, and counted for none', async () => {
    await using rig = await startRig()
    const payment = await buy(rig, 'a', '1000')
    const transfer = await transferBack(rig, { amountAtomic: 1_001n })
    const { refunds, unmatched, said } = await look(rig, scriptedChain(), [transfer])
    expect({ refunds, unmatched }).toEqual({ refunds: [], unmatched: [transfer] })
    expect(said).toEqual([expect.stringContaining('no payment fits')])
    expect(await rig.ledger.payment(payment.id)).toMatchObject({ refunded: 0n })
  })

  it('of somebody who was never paid is a top-up, and no warning', async () => {
    await using rig = await startRig()
    const transfer = await transferBack(rig, { from: STRANGER })
    expect(await look(rig, scriptedChain(), [transfer])).toMatchObject({ refunds: [], unmatched: [transfer], said: [] })
  })

  it('from the escrow of channels is counted when its channel is closed, and not here', async () => {
    await using rig = await startRig()
    await buy(rig, 'one', '1000')
    const back = await transferBack(rig, { from: ESCROW })
    expect(await look(rig, scriptedChain(), [back])).toMatchObject({ refunds: [], unmatched: [], said: [] })
  })

  it('from before the first look is none of ours', async () => {
    await using rig = await startRig()
    await buy(rig, 'a', '1000')
    const transfer = await transferBack(rig, { block: 100n })
    expect(await look(rig, scriptedChain(), [transfer])).toMatchObject({ refunds: [], unmatched: [] })
  })

  it('in a later look goes on where the last one ended, also after a restart', async () => {
    await using rig = await startRig()
    const { wallet } = await watchedOf(rig)
    await look(rig, scriptedChain(), [])
    expect(await rig.ledger.scannedTo(NETWORK, wallet)).toBe(100n)
    await look(rig, scriptedChain(), [await transferBack(rig)])
    expect(await rig.ledger.scannedTo(NETWORK, wallet)).toBe(200n)
  })
})

describe('the payment that a transfer back is for', () => {
  it('is one of exactly that amount, disputed or else the newest; else the newest with enough left; never one made after it', async () => {
    await using rig = await startRig({ session: { cap: 1_000_000n } })
    const paid: Payment[] = []
    for (const [name, amount] of Object.entries({ a: '500', b: '700', c: '500', d: '900' })) {
      paid.unshift({ ...(await buy(rig, name, amount)), block: `${100 + paid.length}` })
    }
    const named = async (changes: Partial<Incoming>, among = paid) =>
      matchRefund(await transferBack(rig, changes), among)
        ?.url.split('/')
        .at(-1)
    expect(await named({ amountAtomic: 500n })).toBe('c')
    expect(await named({ amountAtomic: 700n })).toBe('b')
    expect(await named({ amountAtomic: 600n })).toBe('d')
    expect(await named({ amountAtomic: 500n, block: 101n })).toBe('a')
    expect(await named({ amountAtomic: 900n, block: 102n })).toBe(undefined)
    expect(await named({ amountAtomic: 500n, to: STRANGER })).toBe(undefined)
    const half = paid.map((payment) => ({ ...payment, refunded: 250n }))
    expect(await named({ amountAtomic: 500n }, half)).toBe('d')
    expect(await named({ amountAtomic: 250n }, half)).toBe('c')
    const disputed = paid.map((payment) =>
      payment.url.endsWith('/a') ? { ...payment, dispute: 'settled_not_delivered' as const } : payment,
    )
    expect(await named({ amountAtomic: 500n }, disputed)).toBe('a')
  })
})
