import { describe, expect, it } from 'vitest'
import type { ChainFinding } from '../../src/chain/chain.ts'
import { createEvmChain } from '../../src/chain/evm-chain.ts'
import { refused } from '../../src/errors.ts'
import { INCOMING_INTERVAL_MS, PROOF_BATCH, PROOF_CONCURRENCY, PROOF_INTERVAL_MS, SETTLE_NOW_INTERVAL_MS } from '../../src/limits.ts'
import { createRecovery, type RecoveryDeps } from '../../src/payment/recover.ts'
import { nextBlockAt, settle } from '../testnet/authorizations.ts'
import { makeTestTls } from '../testnet/certificates.ts'
import { NETWORK, USDC } from '../testnet/chain.ts'
import { startRpcGate } from '../testnet/rpc-gate.ts'
import {
  CHAIN_TX,
  type ChainRig,
  FINALITY,
  newest,
  type ScriptedChain,
  scriptedChain,
  startChainRig,
  stateOf,
  unknownPayment,
  warnings,
} from './proof-rig.ts'
import { answer, type Rig, settled, startRig } from './rig.ts'

const DEAD: ChainFinding = { kind: 'dead', block: 9n, time_s: 1 }
const SETTLED: ChainFinding = { kind: 'settled', transaction: CHAIN_TX, block: 7n, time_s: 1 }

function recoveryOf(rig: Rig, chain: RecoveryDeps['chain'], changes: Partial<RecoveryDeps> = {}) {
  const { said, events } = warnings()
  const { ledger, clock } = rig
  const recovery = createRecovery({ ledger, chain, clock, events, wallets: [], ...changes })
  return { said, recovery, round: () => recovery.round() }
}

function realRecovery({ rig, port }: ChainRig) {
  return recoveryOf(rig, port)
}

describe('on the real chain, an unknown payment', () => {
  it('that is taken in the last second of its window is settled, and was held until then', async () => {
    await using world = await startChainRig()
    const { rig, chain } = world
    const { round } = realRecovery(world)
    const payment = await unknownPayment(rig)
    const end_s = payment.validBefore_s ?? 0
    expect(await round()).toMatchObject({ resolved: [], open: [{ paymentId: payment.id, until: end_s * 1000 }] })
    await nextBlockAt(chain, end_s - 1)
    const { transaction, succeeded } = await settle(chain, world.lastSigned())
    expect(succeeded).toBe(true)
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 1_000n })
    await world.passTo(end_s)
    expect(await round()).toMatchObject({ resolved: [{ paymentId: payment.id, outcome: 'settled', transaction }], open: [] })
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
  })

  it('that nobody takes is freed with the first final block of its end, and never by the local clock', async () => {
    await using world = await startChainRig()
    const { rig } = world
    const { round } = realRecovery(world)
    const payment = await unknownPayment(rig)
    rig.clock.advance(86_400_000)
    expect(await round()).toMatchObject({ resolved: [], open: [{ paymentId: payment.id }] })
    expect(await rig.balance()).toMatchObject({ held: 1_000n })
    rig.clock.advance(86_400_000)
    await world.passTo(payment.validBefore_s ?? 0)
    expect(await round()).toMatchObject({ resolved: [{ paymentId: payment.id, outcome: 'void' }] })
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 0n })
  })

  it('whose settlement is taken back by a reorganisation is not settled', async () => {
    await using world = await startChainRig()
    const { rig, chain } = world
    const { round } = realRecovery(world)
    const payment = await unknownPayment(rig)
    const before = await chain.rpc('evm_snapshot')
    await settle(chain, world.lastSigned())
    expect(await round()).toMatchObject({ resolved: [], open: [{ reason: expect.stringContaining('not final yet') }] })
    await chain.rpc('evm_revert', [before])
    await world.passTo(payment.validBefore_s ?? 0)
    rig.clock.advance(PROOF_INTERVAL_MS)
    expect(await round()).toMatchObject({ resolved: [{ outcome: 'void' }] })
  })

  it('stays held while the RPC is down, which is warned of once, and is resolved when it is back', async () => {
    await using world = await startChainRig()
    const { rig, chain } = world
    await using gate = await startRpcGate({ rpcUrl: chain.rpcUrl, tls: makeTestTls() })
    const port = createEvmChain({ networks: [{ id: NETWORK, rpc: gate.url, finalityBlocks: FINALITY }] })
    const { round, said } = recoveryOf(rig, port)
    const payment = await unknownPayment(rig)
    await settle(chain, world.lastSigned())
    await world.passTo(payment.validBefore_s ?? 0)
    gate.set('down')
    for (let look = 0; look < 3; look++) {
      expect(await round()).toMatchObject({ resolved: [], unavailable: [{ network: NETWORK }] })
      rig.clock.advance(3_600_000)
    }
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 1_000n })
    expect(said).toEqual([expect.stringContaining('cannot be asked about open payments, which stay held')])
    gate.set('open')
    expect(await round()).toMatchObject({ resolved: [{ outcome: 'settled' }], unavailable: [] })
  })

  it('that two servers see differently stays held', async () => {
    await using world = await startChainRig()
    const { rig, chain } = world
    await using gate = await startRpcGate({ rpcUrl: chain.rpcUrl, tls: makeTestTls() })
    const access = { id: NETWORK, rpc: chain.rpcUrl, secondRpc: gate.url, finalityBlocks: FINALITY }
    const { round } = recoveryOf(rig, createEvmChain({ networks: [access] }))
    const payment = await unknownPayment(rig)
    await settle(chain, world.lastSigned())
    await world.passTo(payment.validBefore_s ?? 0)
    gate.lie(({ method }, truth) => {
      if (method === 'eth_getLogs') return []
      return method === 'eth_call' ? `0x${'00'.repeat(32)}` : truth
    })
    expect(await round()).toMatchObject({ resolved: [], unavailable: [{ reason: expect.stringContaining('disagree') }] })
    expect(await rig.balance()).toMatchObject({ spent: 0n, held: 1_000n })
  })
})

describe('a round', () => {
  it('looks at what is due, once, and again only when something may be known', async () => {
    await using rig = await startRig()
    const chain = scriptedChain()
    const { round } = recoveryOf(rig, chain)
    const payment = await unknownPayment(rig)
    await round()
    await round()
    expect(chain.looked).toEqual([payment.nonce])
    rig.clock.advance((payment.validBefore_s ?? 0) * 1000 - rig.clock.now())
    await round()
    expect(chain.looked).toHaveLength(2)
  })

  it('confirms what a server claimed', async () => {
    await using rig = await startRig()
    await rig.pay(() => settled())
    const payment = await newest(rig)
    const chain = Object.assign(scriptedChain(), { shows: { ...SETTLED, transaction: payment.transaction ?? '' } })
    expect(await recoveryOf(rig, chain).round()).toMatchObject({ resolved: [{ paymentId: payment.id, outcome: 'confirmed' }] })
  })

  it('asks a network that has just failed about no further payment', async () => {
    await using rig = await startRig()
    for (let number = 0; number < 20; number++) await unknownPayment(rig, `https://api.example.com/${number}`)
    const chain = Object.assign(scriptedChain(), { shows: { kind: 'unavailable', reason: 'rpc.example gave no answer.' } as const })
    const report = await recoveryOf(rig, chain).round()
    expect(report).toMatchObject({ unavailable: [{ network: NETWORK, reason: 'rpc.example gave no answer.' }] })
    expect(report.open).toHaveLength(20)
    expect(chain.looked.length).toBeLessThan(20)
  })

  it('keeps no payment waiting because of another that the network cannot tell about', async () => {
    await using rig = await startRig()
    const dark = await unknownPayment(rig, 'https://api.example.com/dark')
    for (let number = 0; number < 20; number++) await unknownPayment(rig, `https://api.example.com/${number}`)
    const chain = Object.assign(scriptedChain(), {
      shows: (nonce: string) => (nonce === dark.nonce ? ({ kind: 'unavailable', reason: 'The two servers disagree.' } as const) : DEAD),
    })
    const report = await recoveryOf(rig, chain).round()
    expect(report.resolved).toHaveLength(20)
    expect(report).toMatchObject({ open: [{ paymentId: dark.id }], unavailable: [{ reason: 'The two servers disagree.' }] })
  })

  it('goes on with the other payments where one cannot be looked into', async () => {
    await using rig = await startRig()
    const bad = await unknownPayment(rig, 'https://api.example.com/bad')
    const good = await unknownPayment(rig, 'https://api.example.com/good')
    const chain = Object.assign(scriptedChain(), {
      shows: (nonce: string) => {
        if (nonce === bad.nonce) throw new Error('a fault')
        return DEAD
      },
    })
    const { round, said } = recoveryOf(rig, chain)
    expect(await round()).toMatchObject({ resolved: [{ paymentId: good.id }], failures: 1 })
    expect(said).toEqual([`Payment ${bad.id} could not be looked into.`])
    expect(await rig.balance()).toMatchObject({ held: 1_000n })
  })

  it('goes on with its other steps where one fails, and warns of it once', async () => {
    await using rig = await startRig()
    await unknownPayment(rig)
    let down = true
    const takeOver = async () => {
      if (down) throw refused('ledger_unavailable', 'The disk is full.')
      return 3
    }
    const chain = Object.assign(scriptedChain(), { shows: DEAD })
    const { round, said } = recoveryOf(rig, chain, { ledger: withTakeOver(rig, takeOver) })
    expect(await round()).toMatchObject({ takenOver: 0, failures: 1, resolved: [{ outcome: 'void' }] })
    await round()
    expect(said).toEqual([expect.stringContaining('Taking over what ended runs left behind failed')])
    down = false
    expect(await round()).toMatchObject({ takenOver: 3, failures: 0 })
  })

  it('works through more than one batch', async () => {
    await using rig = await startRig({ session: { expiresAt: Date.parse('2027-01-01') } })
    const count = PROOF_BATCH + 5
    const { ledger } = rig
    for (let number = 0; number < count; number++) {
      rig.clock.advance(60_000)
      await unknownPayment(rig, `https://api.example.com/${number}`)
    }
    const { round } = recoveryOf(rig, Object.assign(scriptedChain(), { shows: DEAD }))
    expect((await round()).resolved).toHaveLength(count)
    expect((await ledger.payments({ state: 'unknown' }, { limit: 1 })).items).toEqual([])
  })

  it('counts transfers back to our wallets, and keeps what fits no payment for people', async () => {
    await using rig = await startRig()
    const wallet = await rig.deps.wallet.address(null)
    const chain = scriptedChain()
    const { recovery } = recoveryOf(rig, chain, { wallets: [{ network: NETWORK, wallet, tokens: [USDC] }] })
    await recovery.round()
    const place = { network: NETWORK, token: USDC, from: USDC, to: wallet, amountAtomic: 5n }
    chain.incomingTransfers = [{ ...place, transaction: CHAIN_TX, logIndex: 0, block: 150n }]
    chain.head = 200n
    expect(await recovery.round()).toMatchObject({ refunds: [], unmatched: chain.incomingTransfers })
    expect(await recovery.round()).toMatchObject({ unmatched: [] })
    expect(recovery.unmatched()).toEqual(chain.incomingTransfers)
  })
})

function withTakeOver({ ledger }: Rig, takeOver: () => Promise<number>): RecoveryDeps['ledger'] {
  return {
    takeOver,
    claimUnproven: (query) => ledger.claimUnproven(query),
    putOff: (id, until) => ledger.putOff(id, until),
    payment: (id) => ledger.payment(id),
    resolve: (id, finding) => ledger.resolve(id, finding),
    scannedTo: (network, wallet) => ledger.scannedTo(network, wallet),
    scanned: (network, wallet, block) => ledger.scanned(network, wallet, block),
    settledTo: (recipient) => ledger.settledTo(recipient),
    refund: (refund) => ledger.refund(refund),
    channels: ledger.channels,
  }
}

describe('asking about one payment now', () => {
  it('gives it as it stands then', async () => {
    await using rig = await startRig()
    const payment = await unknownPayment(rig)
    const { recovery } = recoveryOf(rig, Object.assign(scriptedChain(), { shows: DEAD }))
    expect(await recovery.settleNow(payment)).toMatchObject({ id: payment.id, state: 'void' })
  })

  it('leaves it as it is where nothing is certain, or the network fails', async () => {
    await using rig = await startRig()
    const payment = await unknownPayment(rig)
    const fail = () => {
      throw new Error('a fault')
    }
    expect(await recoveryOf(rig, scriptedChain()).recovery.settleNow(payment)).toMatchObject({ state: 'unknown' })
    expect(await recoveryOf(rig, Object.assign(scriptedChain(), { shows: fail })).recovery.settleNow(payment)).toMatchObject({
      state: 'unknown',
    })
  })

  it('asks once for many who ask at the same time, and not again within a second', async () => {
    await using rig = await startRig()
    const payment = await unknownPayment(rig)
    const chain = scriptedChain()
    const { recovery } = recoveryOf(rig, chain)
    await Promise.all(Array.from({ length: 10 }, () => recovery.settleNow(payment)))
    await recovery.settleNow(payment)
    expect(chain.looked).toHaveLength(1)
    rig.clock.advance(SETTLE_NOW_INTERVAL_MS)
    await recovery.settleNow(payment)
    expect(chain.looked).toHaveLength(2)
  })
})

describe('the loop', () => {
  /** Pauses end when the test says so. */
  function pauses() {
    const waiting: (() => void)[] = []
    let reached = Promise.withResolvers<void>()
    return {
      pause: (ms: number, signal: AbortSignal) => {
        expect(ms).toBe(PROOF_INTERVAL_MS)
        reached.resolve()
        return new Promise<void>((resolve) => {
          waiting.push(resolve)
          signal.addEventListener('abort', () => resolve())
        })
      },
      next: async () => {
        await reached.promise
        reached = Promise.withResolvers<void>()
        waiting.shift()?.()
      },
      reached: () => reached.promise,
    }
  }

  it('runs a round at once and after each pause, looks for transfers back less often, and ends when it is stopped', async () => {
    await using rig = await startRig()
    const wallet = await rig.deps.wallet.address(null)
    const scripted: ScriptedChain = scriptedChain()
    let incoming = 0
    const chain = { ...scripted, incoming: async () => ({ transfers: [], upTo: BigInt(++incoming) }) }
    const { pause, next, reached } = pauses()
    const { recovery } = recoveryOf(rig, chain, { wallets: [{ network: NETWORK, wallet, tokens: [USDC] }], pause })
    recovery.start()
    recovery.start()
    await next()
    await next()
    await reached()
    expect(incoming).toBe(1)
    rig.clock.advance(INCOMING_INTERVAL_MS)
    await next()
    await reached()
    expect(incoming).toBe(2)
    await recovery.stop()
    expect(incoming).toBe(2)
  })

  it('is stopped soon, however much there is to look into: only what was begun is ended', async () => {
    await using rig = await startRig()
    for (let number = 0; number < 20; number++) await unknownPayment(rig, `https://api.example.com/${number}`)
    const [begun, slow] = [Promise.withResolvers<void>(), Promise.withResolvers<ChainFinding>()]
    let asked = 0
    const shows = () => {
      if (++asked === PROOF_CONCURRENCY) begun.resolve()
      return slow.promise
    }
    const { recovery } = recoveryOf(rig, Object.assign(scriptedChain(), { shows }))
    recovery.start()
    await begun.promise
    const stopped = recovery.stop()
    slow.resolve(DEAD)
    await stopped
    expect(asked).toBe(PROOF_CONCURRENCY)
    expect((await rig.ledger.payments({ state: 'unknown' }, { limit: 100 })).items).toHaveLength(20 - PROOF_CONCURRENCY)
  })

  it('never runs two rounds at once', async () => {
    await using rig = await startRig()
    let running = 0
    let most = 0
    const takeOver = async () => {
      most = Math.max(most, ++running)
      await Promise.resolve()
      running--
      return 0
    }
    const { recovery } = recoveryOf(rig, scriptedChain(), { ledger: withTakeOver(rig, takeOver) })
    await Promise.all([recovery.round(), recovery.round(), recovery.round()])
    expect(most).toBe(1)
  })
})

describe('an agent that repeats after the end of the window', () => {
  it('is told that nothing was paid and buys again where the chain shows that, once', async () => {
    await using rig = await startRig()
    const payment = await unknownPayment(rig)
    const { recovery } = recoveryOf(rig, Object.assign(scriptedChain(), { shows: DEAD }))
    rig.clock.advance(300_000)
    Object.assign(rig.deps, { settleNow: recovery.settleNow.bind(recovery) })
    await rig.pay(() => answer(503), { request: rig.request({ url: payment.url }) })
    expect(await stateOf(rig, payment.id)).toMatchObject({ state: 'void' })
    expect(await newest(rig)).not.toMatchObject({ id: payment.id })
    expect(await rig.balance()).toMatchObject({ held: 1_000n })
  })
})
