import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type CoinbaseAccount, createCoinbaseWallet } from '../../src/wallet/coinbase.ts'
import { createLocalWallet } from '../../src/wallet/local-key.ts'
import type { Wallet } from '../../src/wallet/wallet.ts'
import { type ApiKeyKind, type CoinbaseAt, startCoinbase } from './coinbase-at.ts'
import { cancelOf, loginOf, permitOf, transferOf, typedTransfer } from './operations.ts'

const KEY = `0x${'c0ffee11'.repeat(8)}` as const
const local = createLocalWallet({ key: KEY })
const own = await local.address(null)

let coinbase: CoinbaseAt
beforeAll(async () => {
  coinbase = await startCoinbase(KEY)
})
afterAll(() => coinbase[Symbol.asyncDispose]())

function account(manner = 'platform', changes: Partial<CoinbaseAccount> = {}): CoinbaseAccount {
  return { url: `${coinbase.url}/${manner}`, address: own, ...coinbase.credentials, timeout_ms: 30_000, fetch, ...changes }
}
const opened = (manner?: string, changes?: Partial<CoinbaseAccount>) => createCoinbaseWallet(account(manner, changes))

const unavailable = (detail: string) => ({
  refusal: {
    code: 'wallet_unavailable',
    detail: expect.stringMatching(`^The remote signer did not sign\\. ${detail}.*Nothing was sent\\.$`),
  },
})

async function everything(wallet: Wallet) {
  return [
    await wallet.signTransfer(null, transferOf(own)),
    await wallet.signCancel('default', cancelOf(own)),
    await wallet.signPermit(null, permitOf(own)),
    await wallet.signLogin(null, loginOf(own)),
  ]
}

describe('a wallet at Coinbase', () => {
  it.each<ApiKeyKind>(['ed25519', 'ec'])(
    'has each operation signed as a local key would, with credentials of its SDK: %s',
    async (kind) => {
      await using there = await startCoinbase(KEY, kind)
      const wallet = await createCoinbaseWallet({ ...account(), url: `${there.url}/platform`, ...there.credentials })
      expect(await everything(wallet)).toEqual(await everything(local))
      expect(await wallet.address(null)).toBe(own)
      await expect(wallet.address('ses_1')).rejects.toMatchObject({ refusal: { code: 'not_found' } })
    },
  )

  it('asks for what the SDK’s own client asks for, word for word', async () => {
    vi.stubEnv('DISABLE_CDP_USAGE_TRACKING', 'true')
    vi.stubEnv('DISABLE_CDP_ERROR_REPORTING', 'true')
    const { CdpClient } = await import('@coinbase/cdp-sdk')
    const cdp = new CdpClient({ ...coinbase.credentials, basePath: `${coinbase.url}/platform` })
    const wallet = await opened()
    const before = coinbase.seen.length
    const ours = await wallet.signTransfer(null, transferOf(own))
    const { message, ...typed } = JSON.parse(
      JSON.stringify(typedTransfer(transferOf(own)), (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
    )
    const lower = JSON.parse(JSON.stringify({ message, domain: typed.domain }), (_, value) =>
      /^0x/.test(String(value)) ? String(value).toLowerCase() : value,
    )
    const theirs = await cdp.evm.signTypedData({ address: own, ...typed, ...lower })
    expect(theirs.signature).toBe(ours)
    const [one, other] = coinbase.seen.slice(before)
    expect(one).toEqual(other)
  })

  it.each([
    ['refusing', 'Coinbase answered 403.'],
    ['words', 'Coinbase answered with something that holds no signature.'],
    ['endless', 'It answered with more than 65536 bytes.'],
    ['moved', 'It cannot be reached.'],
    ['stranger', 'What it signed is not what it was shown, or not by 0x'],
    ['greedy', 'What it signed is not what it was shown, or not by 0x'],
  ])('that is %s signs nothing, and its words are not handed on', async (manner, said) => {
    const wallet = await opened(manner)
    const fault = await wallet.signTransfer(null, transferOf(own)).catch((caught: unknown) => caught)
    expect(fault).toMatchObject(unavailable(said))
    expect(JSON.stringify((fault as { refusal: unknown }).refusal)).not.toContain('canary')
  })

  it('is waited for only as long as it was told, and one that is not there not at all', async () => {
    const silent = await opened('silent', { timeout_ms: 100 })
    await expect(silent.signTransfer(null, transferOf(own))).rejects.toMatchObject(unavailable('It did not answer within 0.1 s.'))
    const away = await opened('platform', { url: 'http://127.0.0.1:1/platform' })
    await expect(away.signTransfer(null, transferOf(own))).rejects.toMatchObject(unavailable('It cannot be reached.'))
  })

  it('signs nothing for others, or with credentials that Coinbase does not know', async () => {
    await using other = await startCoinbase(KEY)
    const stranger = await opened('platform', other.credentials)
    await expect(stranger.signTransfer(null, transferOf(own))).rejects.toMatchObject(unavailable('Coinbase answered 401.'))
    const wallet = await opened()
    await expect(wallet.signTransfer(null, transferOf('0x209693Bc6afc0C5328bA36FaF03C514EF312287C'))).rejects.toMatchObject({
      refusal: { code: 'internal_error' },
    })
  })

  it('shows no secret, in no error and where it is printed', async () => {
    for (const wrong of [{ apiKeySecret: 'canary' }, { walletSecret: 'canary' }]) {
      const fault = await opened('platform', wrong).catch((caught: Error) => caught)
      expect(inspect(fault, { depth: 10 })).toMatch(/is not of the form that Coinbase gives/)
      expect(inspect(fault, { depth: 10 })).not.toContain('canary')
    }
    expect(inspect(await opened(), { depth: 10 })).toBe(`Wallet { ${own} }`)
  })

  it('says how its SDK is installed where it is not', async () => {
    const load = () => Promise.reject(new Error("Cannot find package '@coinbase/cdp-sdk'"))
    await expect(opened('platform', { load })).rejects.toThrow('npm install @coinbase/cdp-sdk')
  })
})
