import { describe, expect, it } from 'vitest'
import { createDerivedWallet } from '../../src/wallet/derived.ts'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import { channelWalletOf } from '../../src/wallet/wallet.ts'
import { voucherOf } from './operations.ts'

const local = createLocalWallet({ key: `0x${'c1'.repeat(32)}` })

describe('the channels of a wallet', () => {
  it('are those of a wallet that has every operation for them', async () => {
    const channels = channelWalletOf(local)
    const own = await local.address(null)
    expect(await channels?.address(null)).toBe(own)
    expect(await channels?.signVoucher(null, voucherOf(own))).toBe(await local.signVoucher(null, voucherOf(own)))
    expect(channelWalletOf(createDerivedWallet({ seed: new Uint8Array(32) }))).toBeDefined()
  })

  it('are none where one operation is missing: what is put in has to come back', () => {
    const { signDeposit: _d, ...noDeposit } = local
    const { signVoucher: _v, ...noVoucher } = local
    const { signWithdrawal: _w, ...noWithdrawal } = local
    expect([noDeposit, noVoucher, noWithdrawal].map((wallet) => channelWalletOf(wallet))).toEqual([undefined, undefined, undefined])
  })
})
