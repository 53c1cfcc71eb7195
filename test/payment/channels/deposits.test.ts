import { describe, expect, it } from 'vitest'
import { filledBy } from '../../../src/payment/channels/deposits.ts'
import { startClosingRig } from './closing-rig.ts'

const DEPOSIT = 50_000n

describe('what a channel was filled with', () => {
  it('is what the chain shows, never a server’s word alone', async () => {
    await using rig = await startClosingRig()
    const channel = await rig.open(DEPOSIT)
    expect((await filledBy(rig.ledger, channel)).open).toMatchObject({ state: 'settled', evidence: 'claimed' })
    await rig.pass()
    await rig.proveAll()
    const filled = await filledBy(rig.ledger, channel)
    expect(filled).toMatchObject({ deposited: DEPOSIT, open: undefined })
    expect(filled.block).toBeGreaterThan(0n)
  })

  it('counts neither vouchers nor what another channel was filled with', async () => {
    await using rig = await startClosingRig()
    const channel = await rig.open(DEPOSIT)
    await rig.buy(channel)
    const other = { ...channel, id: `0x${'77'.repeat(32)}` }
    expect(await filledBy(rig.ledger, other)).toEqual({ deposited: 0n, open: undefined, block: 0n })
    expect((await filledBy(rig.ledger, channel)).deposited).toBe(DEPOSIT)
  })
})
