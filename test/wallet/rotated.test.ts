import { recoverTypedDataAddress } from 'viem'
import { describe, expect, it } from 'vitest'
import { createDerivedWallet } from '../../src/wallet/derived.ts'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import { createRotatedWallet, watchedWallet } from '../../src/wallet/rotated.ts'
import { channelWalletOf } from '../../src/wallet/wallet.ts'
import { cancelOf, depositOf, loginOf, permitOf, transferOf, typedCancel, typedTransfer, voucherOf, withdrawalOf } from './operations.ts'

const local = (byte: string) => createLocalWallet({ key: `0x${byte.repeat(32)}` })
const [now, before, first] = [local('c1'), local('c2'), local('c3')]
const [NOW, BEFORE, FIRST] = await Promise.all([now, before, first].map((wallet) => wallet.address(null)))
const LOST = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'
const refusedAs = (code: string) => ({ refusal: { code } })
const rotated = () => createRotatedWallet(now, [before, first])

describe('a wallet that took over from others', () => {
  it('pays from its own address, and remembers theirs, the present one first', async () => {
    const wallet = await rotated()
    expect(await wallet.address(null)).toBe(NOW)
    expect(await wallet.payers?.(null)).toEqual([NOW, BEFORE, FIRST])
    const transfer = transferOf(NOW ?? '0x')
    expect(await recoverTypedDataAddress({ ...typedTransfer(transfer), signature: await wallet.signTransfer(null, transfer) })).toBe(NOW)
  })

  it('tells a signer in another process which payment it signs for, and says when it is away', async () => {
    const asked: unknown[] = []
    const forPayment = (purpose: unknown) => {
      asked.push(purpose)
      return before
    }
    const signer = { ...now, forPayment, readiness: async () => ['It is away.'] }
    const wallet = await createRotatedWallet(signer, [first])
    const purpose = { sessionId: 'ses_1', paymentId: 'pay_1' }
    expect(wallet.forPayment?.(purpose)).toBe(before)
    expect(asked).toEqual([purpose])
    expect(await wallet.readiness?.()).toEqual(['It is away.'])
  })

  it('cancels what any of them has open, each with its own key', async () => {
    const wallet = await rotated()
    for (const payer of [NOW, BEFORE, FIRST]) {
      const cancel = cancelOf(payer ?? '0x')
      expect(await recoverTypedDataAddress({ ...typedCancel(cancel), signature: await wallet.signCancel(null, cancel) })).toBe(payer)
    }
    await expect(wallet.signCancel(null, cancelOf(LOST))).rejects.toMatchObject(refusedAs('internal_error'))
  })

  it('signs nothing but cancellations for an address that pays no more', async () => {
    const wallet = await rotated()
    const old = BEFORE ?? '0x'
    await expect(wallet.signTransfer(null, transferOf(old))).rejects.toMatchObject(refusedAs('internal_error'))
    await expect(wallet.signPermit(null, permitOf(old))).rejects.toMatchObject(refusedAs('internal_error'))
    await expect(wallet.signLogin(null, loginOf(old))).rejects.toMatchObject(refusedAs('internal_error'))
  })

  it('fills channels from its own address only, and closes those of the others with the key that filled them', async () => {
    const wallet = await rotated()
    const [own, old] = [NOW ?? '0x', BEFORE ?? '0x']
    expect(await wallet.signDeposit?.(null, depositOf(own))).toBe(await now.signDeposit(null, depositOf(own)))
    await expect(wallet.signDeposit?.(null, depositOf(old))).rejects.toMatchObject(refusedAs('internal_error'))
    expect(await wallet.signVoucher?.(null, voucherOf(old))).toBe(await before.signVoucher(null, voucherOf(old)))
    for (const [payer, key] of [
      [own, now],
      [old, before],
    ] as const) {
      expect(await wallet.signWithdrawal?.(null, withdrawalOf(payer))).toBe(await key.signWithdrawal(null, withdrawalOf(payer)))
    }
    await expect(wallet.signWithdrawal?.(null, withdrawalOf(LOST))).rejects.toMatchObject(refusedAs('internal_error'))
  })

  it('says where the key of a channel is not here, and has no channels where the present wallet has none', async () => {
    const wallet = await createRotatedWallet(now, [watchedWallet(LOST)])
    await expect(wallet.signVoucher?.(null, voucherOf(LOST))).rejects.toMatchObject(refusedAs('conflict'))
    await expect(wallet.signWithdrawal?.(null, withdrawalOf(LOST))).rejects.toMatchObject(refusedAs('conflict'))
    const { signDeposit: _, ...without } = now
    expect(channelWalletOf(await createRotatedWallet(without, [before]))).toBeUndefined()
  })

  it('remembers an address without its key, and says that nothing of it can be cancelled', async () => {
    const wallet = await createRotatedWallet(now, [watchedWallet(LOST)])
    expect(await wallet.payers?.(null)).toEqual([NOW, LOST])
    await expect(wallet.signCancel(null, cancelOf(LOST))).rejects.toMatchObject(refusedAs('conflict'))
  })

  it('finds the address that a session had under the seed before', async () => {
    const seeds = [1, 2].map((byte) => createDerivedWallet({ seed: new Uint8Array(32).fill(byte) }))
    const [fresh, old] = [seeds[0] ?? now, seeds[1] ?? now]
    const wallet = await createRotatedWallet(fresh, [old, first, watchedWallet(LOST)])
    expect(wallet.ofSession?.('ses_1')).toBe('ses_1')
    expect(await wallet.payers?.('ses_1')).toEqual([await fresh.address('ses_1'), await old.address('ses_1')])
    expect(await wallet.payers?.(null)).toEqual([await fresh.address(null), await old.address(null), FIRST, LOST])
    const cancel = cancelOf(await old.address('ses_1'))
    expect(await wallet.signCancel('ses_1', cancel)).toBe(await old.signCancel('ses_1', cancel))
  })

  it('is no rotation where one address stands there twice', async () => {
    await expect(createRotatedWallet(now, [before, local('c1')])).rejects.toThrow(`wallet.previous: ${NOW} is listed twice`)
  })
})
