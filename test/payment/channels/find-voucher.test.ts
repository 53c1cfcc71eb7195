import { describe, expect, it } from 'vitest'
import { findVoucher } from '../../../src/payment/channels/find-voucher.ts'
import { CHANNEL_PRICE } from '../../testnet/channels.ts'
import { type ClosingRig, startClosingRig } from './closing-rig.ts'

const DEPOSIT = 50_000n

/** One whose second voucher was sent, and whose answer was lost. */
async function lost(rig: ClosingRig) {
  const { channel, payment } = await rig.buy(await rig.open(DEPOSIT), 'lost')
  await rig.pass()
  await rig.proveAll()
  await rig.endSession()
  const closeWith = async (returned: bigint, charged = channel.charged) => {
    const told = await rig.ledger.channels.tell(channel.id, channel.version, { state: 'closing', charged })
    const end = { version: told?.version ?? 0, returned, transaction: null, block: 7n }
    expect(await rig.ledger.channels.close(channel.id, end)).toMatchObject({ state: 'closed' })
  }
  return { payment, closeWith }
}

describe('a voucher whose answer was lost', () => {
  it('is open as long as its channel is', async () => {
    await using rig = await startClosingRig()
    const { payment } = await lost(rig)
    expect(payment.state).toBe('unknown')
    expect(await findVoucher(rig.ledger.channels, payment)).toBeUndefined()
    expect(await rig.ledger.payment(payment.id)).toMatchObject({ state: 'unknown' })
  })

  it('was charged where the channel’s account says so at its end', async () => {
    await using rig = await startClosingRig()
    const { payment, closeWith } = await lost(rig)
    await closeWith(DEPOSIT - 2n * CHANNEL_PRICE, 2n * CHANNEL_PRICE)
    expect(await findVoucher(rig.ledger.channels, payment)).toMatchObject({ kind: 'settled', evidence: 'confirmed' })
  })

  it('was never charged where not even the sum before it is exceeded by what is left', async () => {
    await using rig = await startClosingRig()
    const { payment, closeWith } = await lost(rig)
    await closeWith(DEPOSIT - CHANNEL_PRICE)
    expect(await findVoucher(rig.ledger.channels, payment)).toMatchObject({ kind: 'dead', evidence: 'confirmed' })
    await rig.proveAll()
    expect(await rig.ledger.payment(payment.id)).toMatchObject({ state: 'void' })
  })

  it('counts as spent where one unit more is left than that', async () => {
    await using rig = await startClosingRig()
    const { payment, closeWith } = await lost(rig)
    await closeWith(DEPOSIT - CHANNEL_PRICE - 1n)
    expect(await findVoucher(rig.ledger.channels, payment)).toMatchObject({ kind: 'expired' })
  })
})
