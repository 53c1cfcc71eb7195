/** Allowances to Permit2 that a facilitator brings to the chain, at the official server: the wallet has no coin for gas, and allows nothing by itself. */
import { createPublicClient, erc20Abi, http } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PERMIT2 } from '../../src/permit-digest.ts'
import { USDC } from '../testnet/chain.ts'
import type { PaidServer } from '../testnet/paid-servers.ts'
import { startPermitServer } from '../testnet/permit-server.ts'
import { placePermit2 } from '../testnet/permit2.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

let testnet: Testnet
let server: PaidServer
let bare: RunningPurser
beforeAll(async () => {
  testnet = await startTestnet()
  await placePermit2(testnet)
  server = await startPermitServer(testnet, { sponsored: true })
  bare = await start({ sponsored: true })
})
afterAll(async () => {
  for (const one of [bare, server, testnet]) await one?.[Symbol.asyncDispose]()
})

const walletOf = ({ app }: RunningPurser) => `0x${app.walletAddress.slice(2)}` as const

async function start(permit2: Record<string, unknown>): Promise<RunningPurser> {
  const config = openConfig([testnet.caFile])
  const routes = [{ prefix: '/permit/', upstream: `${server.httpsUrl}/` }]
  const started = await startPurser({
    ...{ ...config, permit2, networks: [{ id: 'base-sepolia', rpc: testnet.rpcUrl, finalityBlocks: 0 }] },
    proxy: { ...(config.proxy as object), routes },
  })
  await testnet.fund(walletOf(started), 1_000_000n)
  return started
}

async function ask(session: OpenSession, path: string, at = bare) {
  const answer = await fetch(`${at.app.proxyUrl}/permit${path}`, { headers: { 'purser-session': session.token } })
  const { headers, status } = answer
  const body = (await answer.json()) as Record<string, unknown>
  return { status, body, amount: headers.get('purser-amount'), money: headers.get('purser-money') }
}

async function allowedBy(owner: `0x${string}`): Promise<bigint> {
  const chain = createPublicClient({ transport: http(testnet.rpcUrl) })
  return chain.readContract({ address: USDC, abi: erc20Abi, functionName: 'allowance', args: [owner, PERMIT2] })
}

const balanceOf = (session: OpenSession) => bare.admin(`/v1/sessions/${session.id}`)
const reconcile = () => bare.admin('/v1/reconcile', { method: 'POST', body: '{}' })

describe('an allowance that the facilitator brings', () => {
  it('is for exactly one payment: the wallet has allowed nothing before, and allows nothing after', async () => {
    const session = await bare.openSession()
    for (const [path, usd, total] of [
      ['/exact', '0.001', '0.001'],
      ['/exact?n=2', '0.001', '0.002'],
    ] as const) {
      expect(await ask(session, path)).toMatchObject({ status: 200, amount: `${usd} USD`, money: 'moved' })
      expect(await allowedBy(walletOf(bare))).toBe(0n)
      await reconcile()
      expect(await balanceOf(session)).toMatchObject({ spent: total, held: '0.00' })
    }
  })

  it('of an upto is for the most, and what is left of it lets nothing be taken that is not signed', async () => {
    const session = await bare.openSession()
    expect(await ask(session, '/upto?take=250')).toMatchObject({ status: 200, money: 'moved' })
    expect(await allowedBy(walletOf(bare))).toBe(750n)
    await reconcile()
    expect(await balanceOf(session)).toMatchObject({ spent: '0.00025', held: '0.00' })
  })

  it('G7: is not given where the operator does not allow it', async () => {
    const strict = await start({})
    try {
      const session = await strict.openSession()
      expect(await ask(session, '/exact', strict)).toMatchObject({ status: 403, body: { code: 'wallet_insufficient', moneyState: 'none' } })
    } finally {
      await strict[Symbol.asyncDispose]()
    }
  })
})
