/** G3 for MPP through the whole proxy: whatever a till does after it was paid, one purchase is settled at most once. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { MISDEEDS, type MppTill, REFUSED, startMppTill } from '../testnet/mpp-till.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

let testnet: Testnet
let till: MppTill
let purser: RunningPurser
let payer: `0x${string}`
let ahead_ms = 0
const clock: Clock = { now: () => systemClock.now() + ahead_ms, monotonic: () => systemClock.monotonic() + ahead_ms }

beforeAll(async () => {
  testnet = await startTestnet()
  till = await startMppTill(testnet)
  const config = openConfig([testnet.caFile])
  const routes = [{ prefix: '/till/', upstream: `${till.url}/` }]
  const networks = [{ id: 'base-sepolia', rpc: testnet.rpcUrl, finalityBlocks: 0 }]
  const rest = { networks, circuitBreaker: null, proxy: { ...(config.proxy as object), routes } }
  purser = await startPurser({ ...config, ...rest }, { clock })
  payer = purser.app.walletAddress as `0x${string}`
  await testnet.fund(payer, 1_000_000n)
})
afterAll(async () => {
  await purser?.[Symbol.asyncDispose]()
  await till?.[Symbol.asyncDispose]()
  await testnet?.[Symbol.asyncDispose]()
})

async function ask({ token }: OpenSession, path: string) {
  const answer = await fetch(`${purser.app.proxyUrl}/till${path}`, { redirect: 'manual', headers: { 'purser-session': token } })
  const text = await answer.text()
  const { code } = text.startsWith('{') ? (JSON.parse(text) as { code?: string }) : {}
  return { status: answer.status, code, money: answer.headers.get('purser-money') }
}

const reconcile = () => purser.admin('/v1/reconcile', { method: 'POST', body: '{}' })
const balance = ({ id }: OpenSession) => purser.admin(`/v1/sessions/${id}`)
const states = async ({ id }: OpenSession) =>
  (await purser.admin<{ items: { state: string; evidence: string }[] }>(`/v1/payments?session=${id}`)).items

/** The settlements of what was presented on this path. */
async function settledOn(path: string) {
  const nonces = new Set(till.presented(path))
  return (await testnet.settlementsFrom(payer)).filter(({ nonce }) => nonces.has(nonce))
}

const FIRST: Record<string, { readonly status: number; readonly code?: string; readonly money: string }> = {
  clean: { status: 200, money: 'moved' },
  'verify-402': { status: 502, code: 'payment_rejected', money: 'unknown' },
  'settle-402': { status: 502, code: 'payment_rejected', money: 'unknown' },
  'settle-402-other-terms': { status: 502, code: 'payment_rejected', money: 'unknown' },
  'settle-500': { status: 500, money: 'unknown' },
  'settle-reset': { status: 502, code: 'payment_unknown', money: 'unknown' },
  'settle-redirect': { status: 307, money: 'unknown' },
  'settle-silent': { status: 200, money: 'unknown' },
  'settle-denied': { status: 503, money: 'moved' },
}

describe('a till that is paid', () => {
  it.each(MISDEEDS)(
    '%s: says so to the agent; the repeat presents the same credential; one settlement, and the books agree',
    async (mode) => {
      const session = await purser.openSession()
      const path = `/${mode}/table`
      expect(await ask(session, path)).toMatchObject(FIRST[mode] ?? {})
      const delivered = FIRST[mode]?.status === 200
      if (!delivered) expect(await ask(session, path)).toMatchObject({ status: 200, money: 'moved' })
      expect(till.presented(path)).toHaveLength(delivered ? 1 : 2)
      expect(new Set(till.presented(path)).size).toBe(1)
      await reconcile()
      expect(await settledOn(path)).toMatchObject([{ to: till.payTo, value: 1_000n }])
      expect(await states(session)).toMatchObject([{ state: 'settled', evidence: 'confirmed' }])
      expect(await balance(session)).toMatchObject({ spent: '0.001', held: '0.00', payments: 1 })
      expect(till.elsewhere).toEqual([])
    },
  )

  it('and never asked again for what it kept silent about: the chain tells', async () => {
    const session = await purser.openSession()
    await ask(session, '/settle-402/kept')
    expect(await balance(session)).toMatchObject({ spent: '0.00', held: '0.001' })
    await reconcile()
    expect(await balance(session)).toMatchObject({ spent: '0.001', held: '0.00' })
    expect(await states(session)).toMatchObject([{ state: 'settled', evidence: 'confirmed' }])
  })
})

describe('a till whose challenge is not to be trusted', () => {
  it.each(REFUSED)('%s: is not paid, and nothing is signed, sent or held', async (kind) => {
    const session = await purser.openSession()
    const path = `/${kind}/refused`
    const { code } = await ask(session, path)
    expect(['challenge_invalid', 'scheme_not_supported', 'network_not_allowed']).toContain(code)
    expect(till.presented(path)).toEqual([])
    expect(await balance(session)).toMatchObject({ spent: '0.00', held: '0.00' })
  })
})

describe('a till that never takes what it was given', () => {
  it('is proven after the end of the window: the money is free, and the next purchase has a nonce of its own', async () => {
    const session = await purser.openSession()
    expect(await ask(session, '/verify-402/unused')).toMatchObject({ code: 'payment_rejected' })
    await reconcile()
    expect(await balance(session)).toMatchObject({ held: '0.001' })
    ahead_ms += 150_000
    await testnet.mine({ blocks: 1, seconds: 150 })
    await reconcile()
    expect(await balance(session)).toMatchObject({ spent: '0.00', held: '0.00', payments: 0 })
    expect(await ask(session, '/verify-402/unused')).toMatchObject({ status: 200, money: 'moved' })
    expect(new Set(till.presented('/verify-402/unused')).size).toBe(2)
    expect(await settledOn('/verify-402/unused')).toHaveLength(1)
  })
})
