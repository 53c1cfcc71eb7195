import { describe, expect, it } from 'vitest'
import { identityOf } from '../../src/payment/purchase.ts'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import { COMPLETE, cut, settled, startRig } from './rig.ts'

describe('holding a purchase', () => {
  it('begins with the reservation: a keyed request that comes while the first is being signed waits and joins', async () => {
    const real = createLocalWallet({ key: `0x${'c0ffee11'.repeat(8)}` })
    const signing = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    const wallet = {
      ...real,
      signTransfer: async (...args: Parameters<typeof real.signTransfer>) => {
        signing.resolve()
        await go.promise
        return real.signTransfer(...args)
      },
    }
    await using rig = await startRig({ wallet })
    const request = () => rig.request({ headers: ['Idempotency-Key', 'order-1'] })
    const first = rig.pay(() => settled(), { request: request() })
    await signing.promise
    const second = rig.pay(() => settled(), { request: request() })
    go.resolve()
    const outcome = await first
    if (outcome.kind !== 'answer') throw new Error('no answer')
    await outcome.delivered(COMPLETE)
    expect((await second).kind).toBe('answer')
    expect(rig.sent).toHaveLength(1)
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
  })

  it('R3: a requester that left while its money was set aside has left a purchase that the repeat joins', async () => {
    await using rig = await startRig()
    const gone = new AbortController()
    const reserve = rig.ledger.reserve.bind(rig.ledger)
    rig.ledger.reserve = async (request) => {
      const result = await reserve(request)
      gone.abort()
      return result
    }
    const reached = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    const upstream = async () => {
      reached.resolve()
      await go.promise
      return settled()
    }
    const first = rig.pay(upstream, { request: rig.request({ signal: gone.signal }) })
    await reached.promise
    const second = rig.pay(() => settled())
    go.resolve()
    const unheard = await first
    if (unheard.kind !== 'answer') throw new Error('no answer')
    await unheard.delivered({ status: 200, bytes: 0, complete: false })
    expect((await second).kind).toBe('answer')
    expect(new Set(rig.sent.map(String)).size).toBe(1)
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
  })

  it('a reservation that was given up is nobody’s: the next identical request buys anew', async () => {
    let failing = true
    const real = createLocalWallet({ key: `0x${'c0ffee11'.repeat(8)}` })
    const wallet = {
      ...real,
      signTransfer: (...args: Parameters<typeof real.signTransfer>) =>
        failing ? Promise.reject(new Error('locked')) : real.signTransfer(...args),
    }
    await using rig = await startRig({ wallet })
    await rig.pay(() => settled())
    failing = false
    expect((await rig.pay(() => settled())).kind).toBe('answer')
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
  })

  it('R1: keyed requests that begin at the very same moment are one purchase', async () => {
    await using rig = await startRig()
    const buy = async () => {
      const outcome = await rig.pay(() => settled(), { request: rig.request({ headers: ['Idempotency-Key', 'order-1'] }) })
      if (outcome.kind === 'answer') await outcome.delivered(COMPLETE)
      return outcome.kind
    }
    expect(await Promise.all([buy(), buy(), buy()])).toEqual(['answer', 'answer', 'answer'])
    expect(new Set(rig.sent.map(String)).size).toBe(1)
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n, payments: 1 })
  })

  it('R3: a requester that leaves while its payment is signed leaves a purchase that the repeat joins', async () => {
    const real = createLocalWallet({ key: `0x${'c0ffee11'.repeat(8)}` })
    const signing = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    const wallet = {
      ...real,
      signTransfer: async (...args: Parameters<typeof real.signTransfer>) => {
        signing.resolve()
        await go.promise
        return real.signTransfer(...args)
      },
    }
    await using rig = await startRig({ wallet })
    const gone = new AbortController()
    const first = rig.pay(() => settled(), { request: rig.request({ signal: gone.signal }) })
    await signing.promise
    gone.abort()
    const second = rig.pay(() => settled())
    go.resolve()
    const unheard = await first
    if (unheard.kind !== 'answer') throw new Error('no answer')
    await unheard.delivered({ status: 200, bytes: 0, complete: false })
    expect((await second).kind).toBe('answer')
    expect(new Set(rig.sent.map(String)).size).toBe(1)
    expect(await rig.balance()).toMatchObject({ spent: 1_000n, held: 0n })
  })

  it('letting go twice takes nothing from whoever took the purchase over in between', async () => {
    await using rig = await startRig()
    const first = await rig.pay(() => cut())
    if (first.kind !== 'answer') throw new Error('no answer')
    await first.delivered({ status: 200, bytes: 1, complete: false })
    await rig.deps.inFlight.idle()
    const again = Promise.withResolvers<ReturnType<typeof settled>>()
    const reached = Promise.withResolvers<void>()
    const second = rig.pay(() => {
      reached.resolve()
      return again.promise
    })
    await reached.promise
    await first.delivered({ status: 200, bytes: 1, complete: false })
    // Durable after the delivery, so its release has run by then.
    await rig.openSession()
    await rig.openSession()
    const { kind } = await rig.ledger.resume(
      identityOf({ ...rig.request(), sessionId: rig.session.id, bodyDigest: (await rig.request().body()).digest }),
    )
    expect(kind).toBe('none')
    again.resolve(settled())
    expect((await second).kind).toBe('answer')
  })
})
