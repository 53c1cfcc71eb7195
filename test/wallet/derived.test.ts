import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { recoverMessageAddress, recoverTransactionAddress, recoverTypedDataAddress, type TransactionSerializedLegacy, toHex } from 'viem'
import { HDKey, privateKeyToAddress } from 'viem/accounts'
import { describe, expect, it } from 'vitest'
import { depositTypedData, voucherTypedData } from '../../src/channel-digest.ts'
import { permitTypedData } from '../../src/permit-digest.ts'
import { createDerivedWallet } from '../../src/wallet/derived.ts'
import { loginText } from '../../src/wallet/login.ts'
import { parseSeed } from '../../src/wallet/seed.ts'
import type { Hex, Wallet } from '../../src/wallet/wallet.ts'
import { cancelOf, depositOf, loginOf, permitOf, transferOf, typedCancel, typedTransfer, voucherOf, withdrawalOf } from './operations.ts'

const SEED = Uint8Array.from(Buffer.from('c0ffee11'.repeat(8), 'hex'))
const CANARY = 'c0ffee11c0ffee11'
const WORDS = 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about'

const seed = () => Uint8Array.from(SEED)
const refusedAs = (code: string) => ({ refusal: { code } })

describe('a derived wallet', () => {
  it('has an address for each session, the same after every restart', async () => {
    const [first, again] = [createDerivedWallet({ seed: seed() }), createDerivedWallet({ seed: seed() })]
    const ids = Array.from({ length: 50 }, (_, index) => `ses_${index}`)
    const addresses = await Promise.all([null, ...ids].map((id) => first.address(id)))
    expect(new Set(addresses).size).toBe(51)
    expect(await Promise.all([null, ...ids].map((id) => again.address(id)))).toEqual(addresses)
  })

  it('says the same as another program does that follows the documented path', async () => {
    const wallet = createDerivedWallet({ seed: seed() })
    const digest = createHash('sha256').update('purser session wallet 1\nses_abc').digest()
    const words = [0, 4, 8, 12, 16].map((at) => `${digest.readUInt32BE(at) & 0x7fffffff}'`)
    const { privateKey } = HDKey.fromMasterSeed(seed()).derive(`m/402'/${words.join('/')}`)
    expect(await wallet.address('ses_abc')).toBe(privateKeyToAddress(toHex(privateKey ?? new Uint8Array())))
    // Fixed: who changes this takes the money of every session away.
    expect(await wallet.address('ses_abc')).toMatchInlineSnapshot(`"0x30d4907b673bbb3AB9c405fbf4896613A7303826"`)
  })

  it('pays by default from the first account that wallets show for a mnemonic', async () => {
    const wallet = createDerivedWallet({ seed: parseSeed(WORDS) })
    expect(await wallet.address(null)).toBe('0x9858EfFD232B4033E47d90003D41EC34EcaEda94')
    expect(await wallet.address('default')).toBe(await wallet.address(null))
  })

  it('signs everything with the key of the session that is named', async () => {
    const wallet = createDerivedWallet({ seed: seed() })
    for (const id of [null, 'ses_1', 'ses_2']) {
      const own = await wallet.address(id)
      const signers = await signersOf(wallet, id, own)
      expect(signers).toEqual([own, own, own, own])
    }
  })

  it('signs nothing for one session that another one’s address would pay', async () => {
    const wallet = createDerivedWallet({ seed: seed() })
    const other = await wallet.address('ses_2')
    await expect(wallet.signTransfer('ses_1', transferOf(other))).rejects.toMatchObject(refusedAs('internal_error'))
    await expect(wallet.signTransfer(null, transferOf(other))).rejects.toMatchObject(refusedAs('internal_error'))
    await expect(wallet.signCancel('ses_1', cancelOf(other))).rejects.toMatchObject(refusedAs('internal_error'))
    await expect(wallet.signPermit('ses_1', permitOf(other))).rejects.toMatchObject(refusedAs('internal_error'))
    await expect(wallet.signLogin('ses_1', loginOf(other))).rejects.toMatchObject(refusedAs('internal_error'))
    await expect(wallet.signDeposit('ses_1', depositOf(other))).rejects.toMatchObject(refusedAs('internal_error'))
    await expect(wallet.signVoucher('ses_1', voucherOf(other))).rejects.toMatchObject(refusedAs('internal_error'))
    await expect(wallet.signWithdrawal('ses_1', withdrawalOf(other))).rejects.toMatchObject(refusedAs('internal_error'))
  })

  it('has channels of each session of its own, which its key fills, vouches for and leaves', async () => {
    const wallet = createDerivedWallet({ seed: seed() })
    const own = await wallet.address('ses_1')
    const raw = await wallet.signWithdrawal('ses_1', withdrawalOf(own))
    expect(
      await Promise.all([
        recoverTypedDataAddress({ ...depositTypedData(depositOf(own)), signature: await wallet.signDeposit('ses_1', depositOf(own)) }),
        recoverTypedDataAddress({ ...voucherTypedData(voucherOf(own)), signature: await wallet.signVoucher('ses_1', voucherOf(own)) }),
        recoverTransactionAddress({ serializedTransaction: raw as TransactionSerializedLegacy }),
      ]),
    ).toEqual([own, own, own])
  })

  it.each(['', 'research', 'ses_', 'ses_a b', `ses_${'a'.repeat(101)}`, 'SES_1', "ses_1/0'"])('knows no wallet %j', async (name) => {
    await expect(createDerivedWallet({ seed: seed() }).address(name)).rejects.toMatchObject(refusedAs('not_found'))
  })

  it.each([0, 15, 65])('takes no seed of %d bytes, and shows nothing of it', (length) => {
    const attempt = () => createDerivedWallet({ seed: new Uint8Array(length).fill(0xc0) })
    expect(attempt).toThrow('the wallet seed is not 16 to 64 bytes')
  })

  it('shows neither seed nor key, however it is printed', async () => {
    const wallet = createDerivedWallet({ seed: seed() })
    await wallet.signTransfer('ses_1', transferOf(await wallet.address('ses_1')))
    const { privateKey } = HDKey.fromMasterSeed(seed()).derive("m/44'/60'/0'/0/0")
    const shown = [
      inspect(wallet, { depth: 10, showHidden: true }),
      inspect({ wallet }, { depth: 10, showHidden: true, customInspect: false }),
      JSON.stringify(wallet),
      JSON.stringify(Object.getOwnPropertyDescriptors(wallet)),
      ...Object.values(wallet).map(String),
    ].join('\n')
    expect(shown).toContain('a key for each session')
    expect(shown.toLowerCase()).not.toContain(CANARY)
    expect(shown.toLowerCase()).not.toContain(Buffer.from(privateKey ?? []).toString('hex'))
  })
})

async function signersOf(wallet: Wallet, id: string | null, own: Hex): Promise<Hex[]> {
  const [transfer, cancel, permit, login] = [transferOf(own), cancelOf(own), permitOf(own), loginOf(own)]
  return Promise.all([
    recoverTypedDataAddress({ ...typedTransfer(transfer), signature: await wallet.signTransfer(id, transfer) }),
    recoverTypedDataAddress({ ...typedCancel(cancel), signature: await wallet.signCancel(id, cancel) }),
    recoverTypedDataAddress({ ...permitTypedData(permit), signature: await wallet.signPermit(id, permit) }),
    recoverMessageAddress({ message: loginText(login), signature: await wallet.signLogin(id, login) }),
  ])
}
