/** Guarantees seen from outside, through the whole proxy: what the agent, the paid server, the operator and the disk hold. */
import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseReceipt } from '../../src/audit/parse.ts'
import { randomIds, systemClock } from '../../src/clock.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite.ts'
import { type Misbehaving, startMisbehaving } from '../testnet/misbehaving.ts'
import { startTestnet, type Testnet } from '../testnet/testnet.ts'
import { type OpenSession, openConfig, type RunningPurser, startPurser } from './purser.ts'

let testnet: Testnet
let servers: Misbehaving
let purser: RunningPurser

const routes = () => [{ prefix: '/evil/', upstream: `${servers.httpsUrl}/` }]

beforeAll(async () => {
  testnet = await startTestnet()
  servers = await startMisbehaving(testnet)
  const config = openConfig([testnet.caFile])
  purser = await startPurser({ ...config, proxy: { ...(config.proxy as object), routes: routes() } })
  await testnet.fund(purser.app.walletAddress as `0x${string}`, 1_000_000n)
})
afterAll(async () => {
  await purser?.[Symbol.asyncDispose]()
  await servers?.[Symbol.asyncDispose]()
  await testnet?.[Symbol.asyncDispose]()
})

interface Got {
  readonly status: number
  /** Status, headers and body: all that the agent sees. */
  readonly seen: string
  readonly problem: Record<string, unknown>
}

async function ask(session: OpenSession, path: string, { at = purser, signal }: { at?: RunningPurser; signal?: AbortSignal } = {}) {
  const headers = { 'purser-session': session.token }
  const answer = await fetch(`${at.app.proxyUrl}/evil${path}`, { headers, redirect: 'manual', ...(signal && { signal }) })
  const text = await answer.text()
  const seen = JSON.stringify([answer.status, [...answer.headers], text])
  return { status: answer.status, seen, problem: text.startsWith('{') ? JSON.parse(text) : {} } as Got
}

/** The ledger's files as they are at this moment, opened as another process would after a crash. */
async function openCopy(name: string) {
  const folder = join(purser.dataDir, name)
  await mkdir(folder)
  for (const file of ['purser.db', 'purser.db-wal']) await copyFile(join(purser.dataDir, file), join(folder, file))
  return openSqliteLedger({ file: join(folder, 'purser.db'), clock: systemClock, ids: randomIds, runId: name, acceptRestored: true })
}

describe.each(['v1', 'v2'])('with a server of %s', (version) => {
  it('G2: when a payment arrives at the server, the ledger’s file holds its reservation and its authorization', async () => {
    const session = await purser.openSession()
    const path = `/${version}/settle-hang/durable`
    const first = ask(session, path)
    await servers.held(path)
    await using copy = await openCopy(`copy-${version}`)
    const [nonce] = servers.record(path).nonces
    expect((await copy.payments({ session: session.id }, { limit: 10 })).items).toMatchObject([{ nonce, state: 'unknown' }])
    expect(await copy.session(session.id)).toMatchObject({ held: 1_000n, spent: 0n })
    await servers.release(path)
    expect((await first).problem).toMatchObject({ code: 'payment_unknown' })
  })

  it('G6: a refused challenge never reaches the agent: neither its recipient nor its offers', async () => {
    const session = await purser.openSession({ cap: '0' })
    const { status, seen, problem } = await ask(session, `/${version}/clean/refused`)
    expect(status).toBe(403)
    expect(problem).toMatchObject({ code: 'session_exhausted', moneyState: 'none' })
    expect(seen.toLowerCase()).not.toContain(servers.payTo.toLowerCase())
    expect(seen.toLowerCase()).not.toMatch(/payment-required"|accepts|maxtimeoutseconds/)
    expect(servers.record(`/${version}/clean/refused`).payments).toEqual([])
  })

  it('G8: a server that asks for a day gets an authorization of two minutes at most', async () => {
    const session = await purser.openSession()
    const path = `/${version}/clean/window`
    const before = BigInt(Math.floor(Date.now() / 1000))
    expect((await ask(session, `${path}?window=86400`)).status).toBe(200)
    const [payment] = servers.record(path).payments
    const asked = BigInt(Math.floor(Date.now() / 1000))
    expect(payment?.validBefore).toBeGreaterThanOrEqual(before + 120n)
    expect(payment?.validBefore).toBeLessThanOrEqual(asked + 120n)
  })

  it('G10: while a payment may still be taken, its authorization is shown to nobody but the server that asked', async () => {
    const session = await purser.openSession()
    const path = `/${version}/settle-500/secret`
    const { seen } = await ask(session, path)
    const [payment] = servers.record(path).payments
    const signature = /0x[0-9a-f]{130}/.exec(Buffer.from(payment?.header ?? '', 'base64').toString())?.[0] ?? ''
    expect(signature).toHaveLength(132)
    const pages = ['/v1/payments', '/v1/receipts', '/v1/sessions', '/metrics', `/v1/receipts?session=${session.id}&format=jsonl`]
    const own = await fetch(`${purser.app.proxyUrl}/.purser/v1/session/payments`, { headers: { 'purser-session': session.token } })
    const said = [seen, await own.text(), ...(await Promise.all(pages.map((page) => purser.text(page)))), ...purser.log].join('\n')
    expect(said).toContain(session.id)
    expect(said).not.toContain(signature)
    expect(said).not.toContain(payment?.header)
    expect(servers.elsewhere.requests).toEqual([])
  })
})

describe('the record', () => {
  it('G9: every attempt leaves its entry, refused ones included, and the chain verifies', async () => {
    const session = await purser.openSession({ cap: '0.0015' })
    const paid = await ask(session, '/v2/clean/recorded')
    const tooMuch = await ask(session, '/v2/clean/beyond')
    const broken = await ask(session, '/v2/challenge/header-twice/recorded')
    const unknown = await purser.openSession()
    await ask(unknown, '/v2/settle-500/recorded')
    expect([paid.status, tooMuch.problem.code, broken.problem.code]).toEqual([200, 'spending_limit_exceeded', 'challenge_invalid'])
    const entries = async (id: string) => {
      const text = await purser.text(`/v1/receipts?session=${id}&format=jsonl`)
      return text.trim().split('\n').map(parseReceipt)
    }
    const told = (await entries(session.id)).map(({ kind, state, code }) => `${kind} ${state} ${code}`)
    expect(told).toContain('conclusion settled null')
    expect(told).toContain('refusal denied spending_limit_exceeded')
    expect(told).toContain('refusal denied challenge_invalid')
    expect((await entries(unknown.id)).map(({ kind, state }) => `${kind} ${state}`)).toContain('conclusion unknown')
    expect(await purser.admin('/v1/receipts/verify')).toMatchObject({ ok: true, brokenAt: null })
  })
})

describe('G7: absent means no', () => {
  /** The configuration without one of its members pays nothing; with all of them it would. */
  it.each([
    ['no network', { networks: [] }, 'network_not_allowed'],
    ['no tier', { tiers: [] }, 'no_tier_matches'],
    ['no category', { categories: [] }, 'no_tier_matches'],
    ['nobody verified', { recipients: {} }, 'no_tier_matches'],
  ])('with %s configured, nothing is paid', async (_name, changes, code) => {
    const config = openConfig([testnet.caFile])
    await using bare = await startPurser({ ...config, ...changes, proxy: { ...(config.proxy as object), routes: routes() } })
    await testnet.fund(bare.app.walletAddress as `0x${string}`, 1_000_000n)
    const session = await bare.openSession()
    const path = `/v2/clean/${code}-${Object.keys(changes)[0]}`
    expect((await ask(session, path, { at: bare })).problem).toMatchObject({ code, moneyState: 'none' })
    expect(servers.record(path).payments).toEqual([])
  })

  it('a session without a cap or a lifetime is not opened', async () => {
    for (const absent of ['cap', 'ttl']) {
      const answer = (await purser.openSession({ [absent]: undefined })) as Record<string, unknown>
      expect(answer).toMatchObject({ code: 'request_invalid', detail: expect.stringContaining(absent) })
    }
  })
})

describe('R13: modes', () => {
  it.each(['open', 'report'])('in mode %s the cap, the networks and the address guard hold as ever', async (mode) => {
    const config = openConfig([testnet.caFile])
    const proxy = { ...(config.proxy as object), routes: routes() }
    await using lax = await startPurser({ ...config, mode, tiers: [], proxy })
    await testnet.fund(lax.app.walletAddress as `0x${string}`, 1_000_000n)
    expect((await ask(await lax.openSession(), `/v2/clean/${mode}-paid`, { at: lax })).status).toBe(200)
    const poor = await lax.openSession({ cap: '0.0009' })
    expect((await ask(poor, `/v2/clean/${mode}-cap`, { at: lax })).problem).toMatchObject({ code: 'spending_limit_exceeded' })
    await using narrow = await startPurser({ ...config, mode, networks: [], proxy })
    expect((await ask(await narrow.openSession(), `/v2/clean/${mode}-net`, { at: narrow })).problem).toMatchObject({
      code: 'network_not_allowed',
    })
    await using guarded = await startPurser({ ...config, mode, proxy: { ...proxy, unsafeAllowPrivateUpstreams: [] } })
    expect((await ask(await guarded.openSession(), `/v2/clean/${mode}-guard`, { at: guarded })).problem).toMatchObject({
      code: 'destination_not_allowed',
    })
    for (const what of ['cap', 'net', 'guard']) expect(servers.record(`/v2/clean/${mode}-${what}`).payments).toEqual([])
  })
})

describe('the data folder', () => {
  it('G10: its keys are in no log and no answer, after payments too', async () => {
    const names = ['wallet.key', 'nonce.key', 'token.key', 'admin.token']
    const keys = await Promise.all(names.map(async (name) => (await readFile(join(purser.dataDir, name), 'utf8')).trim()))
    const pages = await Promise.all(['/v1/payments', '/v1/receipts', '/v1/sessions', '/metrics'].map((page) => purser.text(page)))
    const said = [...pages, ...purser.log].join('\n')
    for (const key of keys) expect(said).not.toContain(key.replace(/^0x/, ''))
  })
})
