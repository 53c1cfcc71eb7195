import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import { createRemoteWallet } from '../../src/wallet/remote.ts'
import type { ChannelWallet, Wallet } from '../../src/wallet/wallet.ts'
import { allowanceOf, cancelOf, depositOf, loginOf, permitOf, transferOf, voucherOf, withdrawalOf } from './operations.ts'
import { startTestSigner, type TestSigner } from './signer-at.ts'

const KEY = `0x${'c0ffee11'.repeat(8)}` as const
const local = createLocalWallet({ key: KEY })
const own = await local.address(null)
const STRANGER = '0x209693Bc6afc0C5328bA36FaF03C514EF312287C'

let signer: TestSigner
beforeAll(async () => {
  signer = await startTestSigner(KEY)
})
afterAll(() => signer[Symbol.asyncDispose]())

const remote = (manner = '', { token, timeout_ms = 30_000 }: { readonly token?: string; readonly timeout_ms?: number } = {}) =>
  createRemoteWallet({ url: `${signer.url}/${manner}`, address: own, token, timeout_ms, fetch })

const unavailable = (detail: RegExp) => ({
  refusal: {
    code: 'wallet_unavailable',
    detail: expect.stringMatching(new RegExp(`^The remote signer did not sign. ${detail.source}.* Nothing was sent.$`)),
  },
})

async function everything(wallet: Wallet & ChannelWallet) {
  return [
    await wallet.signTransfer(null, transferOf(own)),
    await wallet.signCancel('default', cancelOf(own)),
    await wallet.signPermit(null, permitOf(own)),
    await wallet.signAllowance?.(null, allowanceOf(own)),
    await wallet.signLogin(null, loginOf(own)),
    await wallet.signDeposit(null, depositOf(own)),
    await wallet.signVoucher(null, voucherOf(own)),
    await wallet.signWithdrawal(null, withdrawalOf(own)),
    await wallet.signWithdrawal(null, withdrawalOf(own, null)),
  ]
}

describe('a remote wallet', () => {
  it.each(['', 'web3signer', 'clef'])(
    'has each operation signed as a local key would, whatever the signer calls it: %j',
    async (manner) => {
      expect(await everything(remote(manner))).toEqual(await everything(local))
    },
  )

  it('takes signatures whose last byte counts from 0', async () => {
    expect(await remote('from-zero').signTransfer(null, transferOf(own))).toBe(await local.signTransfer(null, transferOf(own)))
  })

  it('says its address without asking, and has no other names', async () => {
    const wallet = createRemoteWallet({ url: 'http://127.0.0.1:1/', address: own, token: undefined, timeout_ms: 1, fetch })
    expect(await wallet.address(null)).toBe(own)
    await expect(wallet.address('ses_1')).rejects.toMatchObject({ refusal: { code: 'not_found' } })
    await expect(wallet.signTransfer('ses_1', transferOf(own))).rejects.toMatchObject({ refusal: { code: 'not_found' } })
    await expect(wallet.signTransfer(null, transferOf(own))).rejects.toMatchObject(unavailable(/It cannot be reached./))
  })

  it('takes no signature of another key, nor one over something else', async () => {
    await expect(remote('stranger').signTransfer(null, transferOf(own))).rejects.toMatchObject(unavailable(/What it signed is not/))
    await expect(remote('greedy').signTransfer(null, transferOf(own))).rejects.toMatchObject(unavailable(/What it signed is not/))
    await expect(remote('stranger').signLogin(null, loginOf(own))).rejects.toMatchObject(unavailable(/What it signed is not/))
    for (const manner of ['stranger', 'greedy'])
      await expect(remote(manner).signWithdrawal(null, withdrawalOf(own))).rejects.toMatchObject(unavailable(/What it signed is not/))
    await expect(remote('nonsense').signWithdrawal(null, withdrawalOf(own))).rejects.toMatchObject(unavailable(/.*no signature/))
  })

  it('asks for nothing that another address would pay', async () => {
    const refusal = { refusal: { code: 'internal_error' } }
    await expect(remote('silent').signTransfer(null, transferOf(STRANGER))).rejects.toMatchObject(refusal)
    await expect(remote('silent').signVoucher(null, voucherOf(STRANGER))).rejects.toMatchObject(refusal)
    await expect(remote('silent').signWithdrawal(null, withdrawalOf(STRANGER))).rejects.toMatchObject(refusal)
  })

  it.each([
    ['nonsense', /It answered with something that is no signature./],
    ['words', /It answered 200 with something that is no JSON-RPC./],
    ['endless', /It answered with more than 65536 bytes./],
    ['refusing', /It refused to sign \(JSON-RPC error -32000\)./],
    ['nothing', /It has none of the methods eth_signTypedData_v4, eth_signTypedData, account_signTypedData./],
    ['moved', /It cannot be reached./],
    ['guarded', /It answered 401/],
  ])('a signer that is %s is a refusal that says so, in our words', async (manner, detail) => {
    const fault: unknown = await remote(manner)
      .signTransfer(null, transferOf(own))
      .catch((cause: unknown) => cause)
    expect(fault).toMatchObject(unavailable(detail))
    expect(JSON.stringify(fault)).not.toContain('canary')
  })

  it('waits for a signer that says nothing only as long as it was told', async () => {
    const wallet = remote('silent', { timeout_ms: 50 })
    const began = performance.now()
    await expect(wallet.signTransfer(null, transferOf(own))).rejects.toMatchObject(unavailable(/It did not answer within 0.05 s./))
    expect(performance.now() - began).toBeLessThan(20_000)
  })

  it('shows its token to the signer and to nobody else', async () => {
    const wallet = remote('guarded', { token: 'canary-token' })
    expect(await wallet.signTransfer(null, transferOf(own))).toMatch(/^0x/)
    const shown = [inspect(wallet, { depth: 10, showHidden: true }), JSON.stringify(wallet), ...Object.values(wallet).map(String)].join()
    expect(shown).toContain(own)
    expect(shown).not.toContain('canary')
  })
})
