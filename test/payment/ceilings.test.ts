import { describe, expect, it } from 'vitest'
import { MAX_CEILING_TOKENS, MAX_REASON_CHARS } from '../../src/ceiling-limits.ts'
import type { Asset } from '../../src/money.ts'
import type { CeilingQuery, NetworkCeilings, PermissionCeiling, PermissionState, Read, SpendPermission } from '../../src/outer-ceilings.ts'
import { type CeilingsOptions, createCeilings } from '../../src/payment/ceilings.ts'
import { PERMIT2 } from '../../src/permit-digest.ts'

const NETWORK = 'eip155:84532'
const SOLANA = 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1'
const [WALLET, OTHER, ACCOUNT] = (['1', '2', '3'] as const).map((digit): `0x${string}` => `0x${digit.repeat(40)}`) as [
  `0x${string}`,
  `0x${string}`,
  `0x${string}`,
]
const usdc: Asset = {
  ...{ network: NETWORK, address: `0x${'aB'.repeat(20)}`, symbol: 'USDC', decimals: 6, currency: 'USD', rate: 1_000_000n },
}
const PERMISSION: SpendPermission = {
  ...{ network: NETWORK, account: ACCOUNT, spender: WALLET, token: `0x${'ab'.repeat(20)}` },
  ...{ allowance: 50_000_000n, period: 86_400, start: 1_790_000_000, end: 2 ** 48 - 1, salt: 0n, extraData: '0x' },
}
const USABLE: PermissionState = { state: 'usable', spent: 20_000_000n, left: 30_000_000n, nextPeriod_s: 1_790_086_400 }
const read = <T>(value: T): Read<T> => ({ kind: 'read', value })
const unread: Read<never> = { kind: 'unknown', reason: 'the server is on holiday' }

interface Told {
  readonly balance?: Read<bigint>
  readonly allowed?: readonly Read<bigint>[]
  readonly permissions?: readonly PermissionCeiling[]
}

/** A wallet about which a network tells this. */
function ceilings(told: Told, more: Partial<CeilingsOptions> = {}) {
  const asked: CeilingQuery[] = []
  const reader = {
    networks: [NETWORK],
    read: async (query: CeilingQuery): Promise<NetworkCeilings> => {
      asked.push(query)
      const { balance = read(12_000_000n), allowed = query.spenders.map(() => read(0n)), permissions = [] } = told
      return { tokens: query.tokens.map(() => ({ balance, allowed })), permissions }
    },
  }
  const chain = { networks: [NETWORK], balance: async () => 5_000_000n }
  const wallet = { address: async () => WALLET }
  const look = createCeilings({ reader: async () => reader, chain, wallet, assets: [usdc], spenders: [], permissions: [], ...more })
  return { asked, look: () => look(null) }
}

describe('the outer ceilings of a wallet', () => {
  it('are its balance and what each spender may take, Permit2 first and each once', async () => {
    const spenders = [OTHER, PERMIT2, OTHER] as const
    const { asked, look } = ceilings({ allowed: [read(5_000_000n), read(250_000n)] }, { spenders })
    expect(await look()).toEqual({
      address: WALLET,
      tokens: [
        {
          ...{ network: NETWORK, token: usdc.address, asset: 'USDC', balance: { atomic: '12000000', amount: '12' }, unknown: null },
          allowances: [
            { spender: PERMIT2, name: 'Permit2', allowed: { atomic: '5000000', amount: '5' }, unbounded: false, unknown: null },
            { spender: OTHER, name: null, allowed: { atomic: '250000', amount: '0.25' }, unbounded: false, unknown: null },
          ],
        },
      ],
      ...{ spendPermissions: [], warnings: [] },
    })
    expect(asked).toMatchObject([{ wallet: WALLET, spenders: [PERMIT2, OTHER] }])
  })

  it('what cannot be read is unknown with its reason, and never nothing', async () => {
    const { look } = ceilings(
      { balance: unread, allowed: [unread], permissions: [{ standing: unread, balance: unread }] },
      { permissions: [PERMISSION] },
    )
    const { tokens, spendPermissions, warnings } = await look()
    const unknown = 'the server is on holiday'
    expect(tokens).toMatchObject([{ balance: null, unknown, allowances: [{ allowed: null, unbounded: false, unknown }] }])
    expect(spendPermissions).toMatchObject([{ state: null, spent: null, left: null, takeable: null, nextPeriodAt: null, unknown }])
    expect(warnings).toEqual([])
  })

  it('an allowance without a bound is warned of, with the command that bounds it', async () => {
    const all = { allowed: [read(2n ** 256n - 1n), read(2n ** 96n - 1n)] }
    const { tokens, warnings } = await ceilings(all, { spenders: [OTHER] }).look()
    expect(tokens[0]?.allowances.map(({ unbounded }) => unbounded)).toEqual([true, true])
    expect(warnings[0]).toContain(`bound it: purser wallet allow --network ${NETWORK} --asset USDC`)
    expect(warnings[1]).toContain(`${OTHER} is allowed any amount`)
  })

  it('a spend permission tells what was taken, what is left and when it begins anew', async () => {
    const { look } = ceilings({ permissions: [{ standing: read(USABLE), balance: read(40_000_000n) }] }, { permissions: [PERMISSION] })
    const { spendPermissions, warnings } = await look()
    expect(spendPermissions).toEqual([
      {
        ...{
          network: NETWORK,
          account: ACCOUNT,
          spender: WALLET,
          token: PERMISSION.token,
          asset: 'USDC',
          periodSeconds: 86_400,
          state: 'usable',
        },
        allowance: { atomic: '50000000', amount: '50' },
        spent: { atomic: '20000000', amount: '20' },
        left: { atomic: '30000000', amount: '30' },
        takeable: { atomic: '30000000', amount: '30' },
        // No calendar has the end of a permission that ends never.
        ...{ nextPeriodAt: '2026-09-22T14:13:20.000Z', endsAt: null, unknown: null },
      },
    ])
    expect(warnings).toEqual([])
  })

  it('a permission of which the account holds less than is left lets no more be taken than that, and says so', async () => {
    const short = [{ standing: read(USABLE), balance: read(1_500_000n) }]
    const { spendPermissions, warnings } = await ceilings({ permissions: short }, { permissions: [PERMISSION] }).look()
    expect(spendPermissions[0]?.takeable).toEqual({ atomic: '1500000', amount: '1.5' })
    expect(warnings).toEqual([expect.stringContaining('holds 1.5 USDC, less than the 30 USDC')])
    const unknown = [{ standing: read(USABLE), balance: unread }]
    const other = await ceilings({ permissions: unknown }, { permissions: [PERMISSION] }).look()
    expect(other.spendPermissions[0]).toMatchObject({ state: 'usable', takeable: null, unknown: 'the server is on holiday' })
    expect(other.warnings).toEqual([])
  })

  it('a token that is not known here is told in its own units', async () => {
    const permission = { ...PERMISSION, token: OTHER }
    const told = { permissions: [{ standing: read(USABLE), balance: read(0n) }] }
    const { spendPermissions, warnings } = await ceilings(told, { permissions: [permission] }).look()
    expect(spendPermissions[0]).toMatchObject({ asset: null, left: { atomic: '30000000', amount: null }, takeable: { atomic: '0' } })
    expect(warnings[0]).toContain(`holds 0 units of ${OTHER}`)
  })

  it('on Solana are balances alone, and a server’s words are cut and printable', async () => {
    const mint: Asset = { ...usdc, network: SOLANA, address: '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU' }
    const solana = { address: async () => 'So1ana', signTransfer: async () => new Uint8Array() }
    const wallet = { address: async () => WALLET, solana }
    const chain = { networks: [SOLANA], balance: async () => 5_000_000n }
    const told = await ceilings({}, { assets: [mint], wallet, chain }).look()
    expect(told).toMatchObject({ solana: 'So1ana', tokens: [{ balance: { amount: '5' }, allowances: [] }] })
    const deaf = { networks: [SOLANA], balance: () => Promise.reject(new Error(`\u001b[31m${'x'.repeat(1_000)}`)) }
    const { tokens } = await ceilings({}, { assets: [mint], wallet, chain: deaf }).look()
    expect(tokens[0]?.unknown).toMatch(/^ \[31mx+$/)
    expect(tokens[0]?.unknown).toHaveLength(MAX_REASON_CHARS)
    expect((await ceilings({}, { assets: [mint] }).look()).tokens[0]?.unknown).toContain('no wallet or no rpc')
  })

  it('more tokens than fit a page are counted, not asked about', async () => {
    const assets = Array.from({ length: MAX_CEILING_TOKENS + 2 }, (_, at) => ({
      ...usdc,
      address: `0x${at.toString(16).padStart(40, '0')}`,
    }))
    const { asked, look } = ceilings({}, { assets })
    expect((await look()).warnings).toEqual(['2 further tokens are not shown.'])
    expect(asked[0]?.tokens).toHaveLength(MAX_CEILING_TOKENS)
  })
})
