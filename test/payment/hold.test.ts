import { describe, expect, it } from 'vitest'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import { COMPLETE, settled, startRig } from './rig.ts'

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
    outcome.delivered(COMPLETE)
    expect((await second).kind).toBe('answer')
    expect(rig.sent[1]).toEqual(rig.sent[0])
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
})
