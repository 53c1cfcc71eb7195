import { describe, expect, it } from 'vitest'
import type { ChainFinding, ChainHistory } from '../../src/chain/chain.ts'
import { createReconcile } from '../../src/payment/reconcile.ts'
import { createRecovery } from '../../src/payment/recover.ts'
import { makePayer, PAYEE, settle, transferBack } from '../testnet/authorizations.ts'
import { NETWORK, USDC } from '../testnet/chain.ts'
import { allow, placePermit2 } from '../testnet/permit2.ts'
import { settlePermit, signPermit } from '../testnet/permits.ts'
import { CHAIN_TX, newest, type ScriptedChain, scriptedChain, startChainRig, unknownPayment, warnings } from './proof-rig.ts'
import { type Rig, settled, startRig } from './rig.ts'

async function realReconcile(world: Awaited<ReturnType<typeof startChainRig>>) {
  const { rig, port, payer } = world
  const { said, events } = warnings()
  const { ledger, clock } = rig
  const wallets = [{ network: NETWORK, wallet: payer, tokens: [USDC] }]
  const recovery = createRecovery({ ledger, chain: port, clock, events, wallets })
  return { said, reconcile: createReconcile({ recovery, ledger, chain: port, events, wallets }) }
}

function scriptedReconcile(rig: Rig, chain: ScriptedChain) {
  const { said, events } = warnings()
  const { ledger, clock } = rig
  const recovery = createRecovery({ ledger, chain, clock, events, wallets: [] })
  const history = { final: fail, blockBefore: fail, uses: fail }
  return { said, recovery, reconcile: createReconcile({ recovery, ledger, chain: { ...chain, ...history }, events, wallets: [] }) }
}

const fail = () => Promise.reject(new Error('rpc.example gave no answer.'))

describe('on the real chain', () => {
  it('one pass tells what was settled, what came back, and what is under dispute', async () => {
    await using world = await startChainRig()
    const { rig, chain, payer } = world
    const { reconcile } = await realReconcile(world)
    await reconcile()
    const payment = await unknownPayment(rig)
    const { transaction } = await settle(chain, world.lastSigned())
    await world.passTo(payment.validBefore_s ?? 0)
    const back = await transferBack(chain, PAYEE, { to: payer, amountAtomic: 300n })
    await chain.mine({ blocks: 2 })
    const report = await reconcile()
    expect(report.resolved).toMatchObject([{ paymentId: payment.id, outcome: 'settled', transaction, amount: 1_000n }])
    expect(report.refunds).toMatchObject([{ paymentId: payment.id, amountAtomic: 300n, transaction: back }])
    expect(report.disputed).toMatchObject([{ paymentId: payment.id, dispute: 'settled_though_denied', payTo: PAYEE, refunded: 300n }])
    expect(report).toMatchObject({ open: [], unavailable: [], unrecorded: [], truncated: false, failures: 0 })
  })

  it('what our wallet paid without this ledger is told: the ledger is an older copy, or somebody has the key', async () => {
    await using world = await startChainRig()
    const { rig, chain, payer } = world
    const known = await unknownPayment(rig)
    await settle(chain, world.lastSigned())
    const wallet = rig.deps.wallet
    const foreign = await (await makePayer(chain, wallet)).sign()
    const { transaction } = await settle(chain, foreign)
    await world.passTo(known.validBefore_s ?? 0)
    const { reconcile, said } = await realReconcile(world)
    const report = await reconcile()
    const { nonce, payTo, amountAtomic } = foreign.transfer
    expect(report.unrecorded).toEqual([
      { network: NETWORK, wallet: payer, token: USDC, nonce, transaction, block: expect.any(BigInt), payTo, amountAtomic },
    ])
    expect(report.searched).toEqual([{ network: NETWORK, wallet: payer, from: 0n, to: expect.any(BigInt) }])
    expect(said).toEqual([expect.stringContaining('is the ledger an older copy?')])
    const later = await reconcile({ fromBlock: { [NETWORK]: (report.unrecorded[0]?.block ?? 0n) + 1n } })
    expect(later.unrecorded).toEqual([])
  })

  it('what our wallet paid by a permit without this ledger is told as well', async () => {
    await using world = await startChainRig()
    const { rig, chain, payer } = world
    await placePermit2(chain)
    await allow(chain, payer)
    const foreign = await signPermit(chain, await makePayer(chain, rig.deps.wallet), { scheme: 'exact' })
    const { transaction } = await settlePermit(chain, foreign)
    await chain.mine({ blocks: 2 })
    const { reconcile } = await realReconcile(world)
    const { nonce } = foreign.transfer
    expect((await reconcile()).unrecorded).toEqual([
      { network: NETWORK, wallet: payer, token: USDC, nonce, transaction, block: expect.any(BigInt), payTo: PAYEE, amountAtomic: 1_000n },
    ])
  })
})

describe('one pass', () => {
  it('looks also at what is not due yet, and says until when each open payment is open', async () => {
    await using rig = await startRig()
    const chain = scriptedChain()
    const { recovery, reconcile } = scriptedReconcile(rig, chain)
    const payment = await unknownPayment(rig)
    await recovery.round()
    expect(await reconcile()).toMatchObject({
      resolved: [],
      open: [{ paymentId: payment.id, state: 'unknown', until: (payment.validBefore_s ?? 0) * 1000, reason: 'Unused so far.' }],
    })
    chain.shows = { kind: 'dead', block: 9n, time_s: 1 }
    expect(await reconcile()).toMatchObject({ resolved: [{ paymentId: payment.id, outcome: 'void' }], open: [] })
  })

  it('leaves alone what an attempt is still working on', async () => {
    await using rig = await startRig()
    const chain = Object.assign(scriptedChain(), { shows: { kind: 'dead', block: 9n, time_s: 1 } satisfies ChainFinding })
    const { reconcile } = scriptedReconcile(rig, chain)
    const inside = Promise.withResolvers<unknown>()
    await rig.pay(async () => {
      inside.resolve(await reconcile())
      return settled()
    })
    expect(await inside.promise).toMatchObject({ resolved: [], open: [{ state: 'signed', reason: 'An attempt is under way.' }] })
    expect(await newest(rig)).toMatchObject({ state: 'settled' })
  })

  it('frees or confirms what expired, once its chain can be asked', async () => {
    await using rig = await startRig()
    const payment = await unknownPayment(rig)
    rig.clock.advance(3_600_000)
    expect(await scriptedReconcile(rig, scriptedChain([])).reconcile()).toMatchObject({ resolved: [{ outcome: 'expired' }] })
    expect(await scriptedReconcile(rig, scriptedChain([])).reconcile()).toMatchObject({ resolved: [], open: [] })
    const chain = Object.assign(scriptedChain(), { shows: { kind: 'settled', transaction: CHAIN_TX, block: 7n, time_s: 1 } as const })
    expect(await scriptedReconcile(rig, chain).reconcile()).toMatchObject({ resolved: [{ paymentId: payment.id, outcome: 'settled' }] })
  })

  it('tells of a use of what is void here: the copy is older than the signature', async () => {
    await using rig = await startRig()
    const { ledger, clock } = rig
    await rig.pay(() => ({ kind: 'failed', sent: false, code: 'upstream_unreachable', detail: 'Nobody is there.' }))
    const { nonce, state } = await newest(rig)
    expect(state).toBe('void')
    const { said, events } = warnings()
    const use = { token: USDC, nonce: nonce ?? '', transaction: CHAIN_TX, block: 5n, payTo: null, amountAtomic: null }
    const history = {
      final: async () => ({ block: 10n, time_s: 1 }),
      blockBefore: async () => 0n,
      uses: async () => ({ uses: [use], from_s: 0, to_s: 1 }),
    }
    const chain = { ...scriptedChain(), ...history }
    const wallets = [{ network: NETWORK, wallet: USDC, tokens: [USDC] }]
    const recovery = createRecovery({ ledger, chain, clock, events, wallets: [] })
    const report = await createReconcile({ recovery, ledger, chain, events, wallets })()
    expect(report.unrecorded).toEqual([{ network: NETWORK, wallet: USDC, ...use }])
    expect(said).toEqual([expect.stringContaining('is the ledger an older copy?')])
  })

  it('a search for permits is told what the ledger knows, and tells what it could not read', async () => {
    await using rig = await startRig()
    const { ledger, clock } = rig
    await rig.pay(() => settled())
    const { nonce, transaction } = await newest(rig)
    const { events } = warnings()
    const outgoing = [{ token: USDC, transaction: CHAIN_TX, block: 5n, payTo: PAYEE, amountAtomic: 1n }]
    const asked: unknown[] = []
    const chain = {
      ...scriptedChain(),
      final: async () => ({ block: 10n, time_s: 1 }),
      blockBefore: async () => 0n,
      uses: async () => ({ uses: [], outgoing, from_s: 0, to_s: 1 }),
      permits: async ({ isKnown, settledBy, ...query }: Parameters<NonNullable<ChainHistory['permits']>>[0]) => {
        asked.push(query, [isKnown(nonce ?? ''), isKnown(CHAIN_TX), settledBy(transaction ?? ''), settledBy(CHAIN_TX)])
        return { uses: [], unread: ['Whether it used a permit cannot be told.'] }
      },
    }
    const wallets = [{ network: NETWORK, wallet: USDC, tokens: [USDC] }]
    const recovery = createRecovery({ ledger, chain, clock, events, wallets: [] })
    const report = await createReconcile({ recovery, ledger, chain, events, wallets })()
    expect(asked).toEqual([{ network: NETWORK, wallet: USDC, outgoing, final: 10n }, [true, false, 1, 0]])
    expect(report.unavailable).toEqual([{ network: NETWORK, reason: 'Whether it used a permit cannot be told.' }])
  })

  it('names the networks that could not be searched, and goes on', async () => {
    await using rig = await startRig()
    const { ledger, clock } = rig
    const { said, events } = warnings()
    const chain = { ...scriptedChain(), final: fail, blockBefore: fail, uses: fail }
    const wallets = [{ network: NETWORK, wallet: USDC, tokens: [USDC] }]
    const recovery = createRecovery({ ledger, chain, clock, events, wallets })
    const report = await createReconcile({ recovery, ledger, chain, events, wallets })()
    expect(report).toMatchObject({ unavailable: [{ network: NETWORK, reason: 'rpc.example gave no answer.' }], searched: [] })
    expect(said).toEqual([expect.stringContaining('could not be searched')])
  })
})
