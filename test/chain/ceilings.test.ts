import type { Hex } from 'viem'
import { generatePrivateKey, privateKeyToAddress } from 'viem/accounts'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { CEILINGS_TIMEOUT_MS } from '../../src/ceiling-limits.ts'
import { createCeilingReader } from '../../src/chain/ceilings.ts'
import { SPEND_PERMISSION_MANAGER } from '../../src/chain/spend-permission.ts'
import type { CeilingQuery, SpendPermission } from '../../src/outer-ceilings.ts'
import { PERMIT2 } from '../../src/permit-digest.ts'
import { testClock } from '../clock.ts'
import { makeTestTls } from '../testnet/certificates.ts'
import { type Chain, NETWORK, startChain, USDC } from '../testnet/chain.ts'
import { allow, placePermit2 } from '../testnet/permit2.ts'
import { type RpcGate, startRpcGate } from '../testnet/rpc-gate.ts'
import {
  approvePermission,
  DAY_S,
  makePermission,
  placeSpendPermissions,
  revokePermission,
  spendPermitted,
} from '../testnet/spend-permissions.ts'

let chain: Chain
let gate: RpcGate
beforeAll(async () => {
  chain = await startChain()
  await placePermit2(chain)
  await placeSpendPermissions(chain)
  gate = await startRpcGate({ rpcUrl: chain.rpcUrl, tls: makeTestTls() })
}, 60_000)
beforeEach(() => {
  gate.lie(undefined)
  gate.set('open')
})
afterAll(async () => {
  await gate?.[Symbol.asyncDispose]()
  await chain?.[Symbol.asyncDispose]()
})

const address = () => privateKeyToAddress(generatePrivateKey())
const read = <T>(value: T) => ({ kind: 'read', value }) as const
const unknown = (reason: string) => ({ kind: 'unknown', reason: expect.stringContaining(reason) })

/** What one server, or two, tell about a wallet. */
function look(wallet: Hex, { permissions = [], servers = 1 }: { permissions?: readonly SpendPermission[]; servers?: 1 | 2 } = {}) {
  const second = servers === 2 ? { secondRpc: gate.url } : {}
  const reader = createCeilingReader({ networks: [{ id: NETWORK, rpc: chain.rpcUrl, ...second }], clock: testClock() })
  return reader.read({ network: NETWORK, wallet, tokens: [USDC], spenders: [PERMIT2, SPENDER], permissions })
}

const SPENDER = address()

async function standing(permission: SpendPermission) {
  const { permissions } = await look(permission.spender, { permissions: [permission] })
  return permissions[0]
}

describe('what the chain allows at most', () => {
  it('is the balance, and what the token lets each spender take', async () => {
    const wallet = address()
    expect(await look(wallet)).toEqual({ tokens: [{ balance: read(0n), allowed: [read(0n), read(0n)] }], permissions: [] })
    await chain.fund(wallet, 12_000_000n)
    await allow(chain, wallet, 5_000_000n)
    expect(await look(wallet)).toEqual({ tokens: [{ balance: read(12_000_000n), allowed: [read(5_000_000n), read(0n)] }], permissions: [] })
  })

  it('is unknown, and not nothing, where the server does not answer', async () => {
    gate.set('down')
    const reader = createCeilingReader({ networks: [{ id: NETWORK, rpc: gate.url }], clock: testClock() })
    const permissions = [await permissionOf(address())]
    const query: CeilingQuery = { network: NETWORK, wallet: SPENDER, tokens: [USDC], spenders: [PERMIT2], permissions }
    const nothing = unknown('gave no answer')
    expect(await reader.read(query)).toEqual({
      tokens: [{ balance: nothing, allowed: [nothing] }],
      permissions: [{ standing: nothing, balance: nothing }],
    })
    const elsewhere = await reader.read({ ...query, network: 'eip155:1' })
    expect(elsewhere.tokens[0]?.balance).toEqual(unknown('no rpc is configured for eip155:1'))
  })

  it('is unknown where a token is not there, and the others are told', async () => {
    const wallet = address()
    await chain.fund(wallet, 7n)
    const reader = createCeilingReader({ networks: [{ id: NETWORK, rpc: chain.rpcUrl }], clock: testClock() })
    const { tokens } = await reader.read({ network: NETWORK, wallet, tokens: [address(), USDC], spenders: [], permissions: [] })
    expect(tokens.map(({ balance }) => balance)).toEqual([unknown('no such contract'), read(7n)])
  })

  it('is what two servers agree on, and unknown where only one shows it', async () => {
    const wallet = address()
    await chain.fund(wallet, 12_000_000n)
    expect((await look(wallet, { servers: 2 })).tokens[0]?.balance).toEqual(read(12_000_000n))
    gate.lie(({ method }, truth) => (method === 'eth_call' ? `0x${'f'.repeat(64)}` : truth))
    expect((await look(wallet, { servers: 2 })).tokens[0]).toEqual({
      balance: unknown('disagree about'),
      allowed: [unknown('disagree about'), unknown('disagree about')],
    })
    gate.lie(({ method }, truth) => (method === 'eth_getBlockByNumber' ? { ...(truth as object), hash: `0x${'1'.repeat(64)}` } : truth))
    expect((await look(wallet, { servers: 2 })).tokens[0]?.balance).toEqual(unknown('show different blocks'))
  })

  it('is read as of the newest block that both servers have', async () => {
    const wallet = address()
    const before = await chain.rpc('eth_getBlockByNumber', ['latest', false])
    await chain.fund(wallet, 9n)
    gate.lie(({ method, params }, truth) => (method === 'eth_getBlockByNumber' && params[0] === 'latest' ? before : truth))
    expect((await look(wallet, { servers: 2 })).tokens[0]?.balance).toEqual(read(0n))
  })

  it('is not asked for without end: what comes too late is unknown', async () => {
    const clock = testClock()
    const reader = createCeilingReader({ networks: [{ id: NETWORK, rpc: gate.url }], clock })
    gate.lie(({ method }, truth) => {
      if (method === 'eth_call') clock.advance(CEILINGS_TIMEOUT_MS)
      return truth
    })
    const { tokens } = await reader.read({ network: NETWORK, wallet: SPENDER, tokens: [USDC, USDC], spenders: [], permissions: [] })
    expect(tokens.map(({ balance }) => balance)).toEqual([read(0n), unknown('took too long')])
  })
})

const permissionOf = (account: Hex) => makePermission(chain, { account, spender: SPENDER })

describe('a spend permission of Coinbase’s manager', () => {
  it('tells what was taken in the period that runs, what is left, and when the next one begins', async () => {
    const permission = await permissionOf(address())
    expect(await standing(permission)).toMatchObject({ standing: read({ state: 'not_approved', spent: 0n, left: 0n, nextPeriod_s: null }) })
    expect(await approvePermission(chain, permission)).toBe(true)
    await chain.fund(permission.account, 30_000_000n)
    expect(await spendPermitted(chain, permission, 20_000_000n)).toBe(true)
    expect(await spendPermitted(chain, permission, 30_000_001n)).toBe(false)
    expect(await standing(permission)).toEqual({
      standing: read({ state: 'usable', spent: 20_000_000n, left: 30_000_000n, nextPeriod_s: permission.start + DAY_S }),
      balance: read(10_000_000n),
    })
    await chain.mine({ blocks: 1, seconds: DAY_S })
    const next = { state: 'usable', spent: 0n, left: 50_000_000n, nextPeriod_s: permission.start + 2 * DAY_S }
    expect((await standing(permission))?.standing).toEqual(read(next))
  })

  it('has a last period that is shorter, and then ends', async () => {
    const permission = await permissionOf(address())
    await approvePermission(chain, permission)
    await chain.mine({ blocks: 1, seconds: 10.25 * DAY_S })
    const last = { state: 'usable', spent: 0n, left: 50_000_000n, nextPeriod_s: null }
    expect((await standing(permission))?.standing).toEqual(read(last))
    await chain.mine({ blocks: 1, seconds: DAY_S })
    expect((await standing(permission))?.standing).toEqual(read({ state: 'ended', spent: 0n, left: 0n, nextPeriod_s: null }))
  })

  it('that has not begun, or was revoked, lets nothing be taken', async () => {
    const now = await permissionOf(address())
    const later = { ...now, start: now.start + 3_600 }
    await approvePermission(chain, later)
    const waiting = { state: 'not_started', spent: 0n, left: 0n, nextPeriod_s: later.start }
    expect((await standing(later))?.standing).toEqual(read(waiting))
    await approvePermission(chain, now)
    await revokePermission(chain, now)
    expect((await standing(now))?.standing).toEqual(read({ state: 'revoked', spent: 0n, left: 0n, nextPeriod_s: null }))
  })

  it('is the same in whatever letters its addresses are written', async () => {
    const permission = await permissionOf(address())
    await approvePermission(chain, permission)
    await chain.fund(permission.account, 3n)
    const loud = (one: Hex): Hex => `0x${one.slice(2, 12).toUpperCase()}${one.slice(12).toLowerCase()}`
    const written = { ...permission, account: loud(permission.account), spender: loud(permission.spender), token: loud(permission.token) }
    const query = { network: NETWORK, wallet: loud(address()), tokens: [loud(USDC)], spenders: [loud(SPENDER)], permissions: [written] }
    const reader = createCeilingReader({ networks: [{ id: NETWORK, rpc: chain.rpcUrl }], clock: testClock() })
    const told = await reader.read(query)
    expect(told.tokens).toEqual([{ balance: read(0n), allowed: [read(0n)] }])
    expect(told.permissions).toMatchObject([{ standing: read({ state: 'usable', left: 50_000_000n }), balance: read(3n) }])
  })

  it('is unknown where its manager is not there or says what it cannot say', async () => {
    const permission = await permissionOf(address())
    await approvePermission(chain, permission)
    const reader = createCeilingReader({ networks: [{ id: NETWORK, rpc: gate.url }], clock: testClock() })
    const seen = async (answer: string) => {
      gate.lie(({ method, params }, truth) =>
        method === 'eth_call' && JSON.stringify(params).includes(SPEND_PERMISSION_MANAGER) ? answer : truth,
      )
      const query = { network: NETWORK, wallet: SPENDER, tokens: [], spenders: [], permissions: [permission] }
      return (await reader.read(query)).permissions[0]
    }
    expect(await seen('0x')).toEqual({ standing: unknown('no such contract'), balance: read(0n) })
    expect(await seen(`0x${'f'.repeat(64)}`)).toMatchObject({ standing: { kind: 'unknown' } })
    expect(await seen(`0x${'0'.repeat(128)}`)).toEqual({ standing: unknown('another shape'), balance: read(0n) })
  })
})
