/**
 * Paid by Permit2 for real: exact, and up to an amount, at the official server with the official facilitator. What a
 * permit may take is held until the chain shows what it took.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { PaidServer } from '../testnet/paid-servers.ts'
import { startPermitServer } from '../testnet/permit-server.ts'
import { allow, placePermit2 } from '../testnet/permit2.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

let testnet: Testnet
let server: PaidServer
let purser: RunningPurser
/** Cannot ask any chain. */
let blind: RunningPurser

const walletOf = ({ app }: RunningPurser) => `0x${app.walletAddress.slice(2)}` as const

async function start(network: Record<string, unknown>): Promise<RunningPurser> {
  const config = openConfig([testnet.caFile])
  const routes = [{ prefix: '/permit/', upstream: `${server.httpsUrl}/` }]
  const started = await startPurser({
    ...config,
    ...{ circuitBreaker: null, networks: [{ id: 'base-sepolia', ...network }] },
    proxy: { ...(config.proxy as object), routes },
  })
  await testnet.fund(walletOf(started), 1_000_000n)
  return started
}

beforeAll(async () => {
  testnet = await startTestnet()
  await placePermit2(testnet)
  server = await startPermitServer(testnet)
  purser = await start({ rpc: testnet.rpcUrl, finalityBlocks: 0 })
  blind = await start({})
  await allow(testnet, walletOf(purser), 900_000n)
})
afterAll(async () => {
  for (const one of [purser, blind, server, testnet]) await one?.[Symbol.asyncDispose]()
})

async function ask(session: OpenSession, path: string, at = purser) {
  const answer = await fetch(`${at.app.proxyUrl}/permit${path}`, { headers: { 'purser-session': session.token } })
  const { headers, status } = answer
  const body = (await answer.json()) as Record<string, unknown>
  return { status, body, amount: headers.get('purser-amount'), money: headers.get('purser-money') }
}

const balanceOf = (session: OpenSession, at = purser) => at.admin(`/v1/sessions/${session.id}`)
const reconcile = (at = purser) => at.admin('/v1/reconcile', { method: 'POST', body: '{}' })

async function paymentOf(session: OpenSession, at = purser): Promise<Record<string, unknown>> {
  const { items } = await at.admin<{ items: Record<string, unknown>[] }>(`/v1/payments?session=${session.id}`)
  const [payment] = items
  if (!payment) throw new Error('there is no payment')
  return payment
}

it('exact by permit2 is paid and proven, to the last unit', async () => {
  const session = await purser.openSession()
  const before = await testnet.balanceOf(testnet.merchant)
  expect(await ask(session, '/exact')).toMatchObject({ status: 200, body: { served: '/exact' }, amount: '0.001 USD', money: 'moved' })
  expect((await testnet.balanceOf(testnet.merchant)) - before).toBe(1_000n)
  await reconcile()
  expect(await paymentOf(session)).toMatchObject({ state: 'settled', evidence: 'confirmed', scheme: 'exact' })
  expect(await balanceOf(session)).toMatchObject({ spent: '0.001', held: '0.00' })
})

describe('up to an amount', () => {
  it.each([
    ['part of it', '250', '0.00025'],
    ['all of it', '1000', '0.001'],
    ['the least', '1', '0.000001'],
  ])('%s is taken: the agent is told what was charged, and the rest is free once the chain shows it', async (_, take, usd) => {
    const session = await purser.openSession()
    const before = await testnet.balanceOf(testnet.merchant)
    expect(await ask(session, `/upto?take=${take}`)).toMatchObject({ status: 200, amount: `${usd} USD`, money: 'moved' })
    expect((await testnet.balanceOf(testnet.merchant)) - before).toBe(BigInt(take))
    await reconcile()
    expect(await paymentOf(session)).toMatchObject({ state: 'settled', evidence: 'confirmed', scheme: 'upto', amountAtomic: take })
    expect(await balanceOf(session)).toMatchObject({ spent: usd, held: '0.00', payments: 1 })
  })

  it('more than it is not taken: the facilitator refuses, nothing moves, and the whole stays held', async () => {
    const session = await purser.openSession()
    const before = await testnet.balanceOf(testnet.merchant)
    expect(await ask(session, '/upto?take=1001')).toMatchObject({ body: { code: 'payment_rejected', moneyState: 'unknown' } })
    expect(await testnet.balanceOf(testnet.merchant)).toBe(before)
    expect(await balanceOf(session)).toMatchObject({ spent: '0.00', held: '0.001' })
  })

  it('what a server took and did not say is found on the chain, and the rest is free', async () => {
    const session = await purser.openSession()
    testnet.facilitator.failNext('settle-then-reset')
    expect(await ask(session, '/upto?take=250')).toMatchObject({ body: { code: 'payment_rejected', moneyState: 'unknown' } })
    expect(await balanceOf(session)).toMatchObject({ spent: '0.00', held: '0.001' })
    await reconcile()
    expect(await paymentOf(session)).toMatchObject({ state: 'settled', dispute: 'settled_though_denied', amountAtomic: '250' })
    expect(await balanceOf(session)).toMatchObject({ spent: '0.00025', held: '0.00' })
  })

  it('G1: the cap counts the most that may be taken, and lets go of the rest only when the chain has shown it', async () => {
    const session = await blindFunded()
    const answers = await Promise.all([1, 2, 3].map((n) => ask(session, `/upto?take=250&n=${n}`, blind)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(answers.filter(({ body }) => body.code === 'spending_limit_exceeded')).toHaveLength(2)
    await reconcile(blind)
    expect(await balanceOf(session, blind)).toMatchObject({ spent: '0.001', held: '0.00' })
    const seeing = await purser.openSession({ cap: '0.0015' })
    expect((await ask(seeing, '/upto?take=250')).status).toBe(200)
    await reconcile()
    expect((await ask(seeing, '/upto?take=250')).status).toBe(200)
    await reconcile()
    expect(await balanceOf(seeing)).toMatchObject({ spent: '0.0005', held: '0.00', payments: 2 })
  })
})

/** Its word is all that the blind one has. */
async function blindFunded(): Promise<OpenSession> {
  await allow(testnet, walletOf(blind), 100_000n)
  return blind.openSession({ cap: '0.0015' })
}

describe('without an allowance', () => {
  const command = 'purser wallet allow --network eip155:84532 --asset USDC --amount 0.001'

  it('nothing is reserved or signed where the chain can be asked, and the refusal names the command that mends it', async () => {
    await using poor = await start({ rpc: testnet.rpcUrl, finalityBlocks: 0 })
    await allow(testnet, walletOf(poor), 999n)
    const session = await poor.openSession()
    const { status, body } = await ask(session, '/exact', poor)
    const nextAction = expect.stringContaining(command)
    expect([status, body]).toMatchObject([403, { code: 'wallet_insufficient', moneyState: 'none', nextAction }])
    expect(body.detail).toContain('is allowed 0.000999 USDC')
    expect(await balanceOf(session, poor)).toMatchObject({ spent: '0.00', held: '0.00', payments: 0 })
    await allow(testnet, walletOf(poor), 1_000n)
    expect((await ask(session, '/exact', poor)).status).toBe(200)
  })

  it('no more permits are out at once than it covers together, and what the others asked for is not held', async () => {
    await using poor = await start({ rpc: testnet.rpcUrl, finalityBlocks: 0 })
    await allow(testnet, walletOf(poor), 2_500n)
    const session = await poor.openSession()
    // Nothing is taken for these: their permits live on.
    const answers = await Promise.all([1, 2, 3, 4].map((n) => ask(session, `/upto?take=0&n=${n}`, poor)))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(2)
    const refused = answers.flatMap(({ status, body }) => (status === 403 ? [body] : []))
    const told = { code: 'wallet_insufficient', moneyState: 'none', nextAction: expect.stringContaining('--amount 0.003`') }
    expect(refused).toMatchObject([told, told])
    expect(await balanceOf(session, poor)).toMatchObject({ spent: '0.00', held: '0.002' })
    expect(await ask(session, '/exact', poor)).toMatchObject({ status: 403, body: { code: 'wallet_insufficient', moneyState: 'none' } })
    expect(await balanceOf(session, poor)).toMatchObject({ spent: '0.00', held: '0.002' })
  })

  it('the server’s 412 becomes the same refusal where no chain can be asked; what was signed stays held', async () => {
    await allow(testnet, walletOf(blind), 0n)
    const session = await blind.openSession()
    const { status, body } = await ask(session, '/exact', blind)
    expect([status, body]).toMatchObject([403, { code: 'wallet_insufficient', moneyState: 'unknown' }])
    expect(body.nextAction).toContain(command)
    expect(await balanceOf(session, blind)).toMatchObject({ spent: '0.00', held: '0.001' })
  })
})

it('nothing is taken: the agent has its answer, the whole stays held, and is free when the window has closed on the chain', async () => {
  const session = await purser.openSession()
  expect(await ask(session, '/upto?take=0')).toMatchObject({ status: 200, body: { served: '/upto' }, money: 'unknown' })
  await reconcile()
  expect(await balanceOf(session)).toMatchObject({ spent: '0.00', held: '0.001' })
  await testnet.mine({ blocks: 1, seconds: 130 })
  await reconcile()
  expect(await paymentOf(session)).toMatchObject({ state: 'void', evidence: 'confirmed' })
  expect(await balanceOf(session)).toMatchObject({ spent: '0.00', held: '0.00', payments: 0 })
})
