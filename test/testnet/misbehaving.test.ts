import type { Hex } from 'viem'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MODES, type Mode } from './behaviours.ts'
import type { Verdict } from './challenge-case.ts'
import { CHALLENGES } from './challenges.ts'
import { type Misbehaving, startMisbehaving, withPayments } from './misbehaving.ts'
import { makeOfficialClient, type OfficialClient } from './official-client.ts'
import { startTestnet, type Testnet } from './testnet.ts'
import { PAYMENT_HEADER } from './wire.ts'

const DOLLAR = 1_000_000n
const PRICE = 1_000n
const VERSIONS = [1, 2] as const

let testnet: Testnet
let server: Misbehaving
let payer: OfficialClient

beforeAll(async () => {
  testnet = await startTestnet()
  server = await startMisbehaving(testnet)
  payer = await makeOfficialClient(testnet, 5n * DOLLAR)
})

afterAll(async () => {
  await payer[Symbol.asyncDispose]()
  await server[Symbol.asyncDispose]()
  await testnet[Symbol.asyncDispose]()
})

let count = 0
/** A path of its own, so that no test sees another's counts. */
function freshPath(version: 1 | 2, mode: string): string {
  return `/v${version}/${mode}/${++count}`
}

/** What this payer's wallet lost meanwhile. */
async function lossOf(work: () => Promise<unknown>): Promise<bigint> {
  const before = await testnet.balanceOf(payer.address)
  await work()
  return before - (await testnet.balanceOf(payer.address))
}

/** Pays once as the official client does, and stops waiting for an answer that does not come. 0: there was no answer. */
async function payOnce(path: string, query = ''): Promise<number> {
  const attempt = async () => {
    const response = await payer.pay(`${server.url}${path}${query}`, { redirect: 'manual' })
    await response.arrayBuffer()
    return response.status
  }
  const answer = attempt().catch(() => 0)
  const noAnswer = server.held(path).then(() => 0)
  return Promise.race(/hang|slow/.test(path) ? [answer, noAnswer] : [answer])
}

async function settledNonces(path: string): Promise<Hex[]> {
  const seen = server.record(path).nonces
  return (await testnet.settlementsFrom(payer.address)).filter(({ nonce }) => seen.has(nonce)).map(({ nonce }) => nonce)
}

/** What the first payment gets, and whether the money moved by then. */
const FIRST: Record<Mode, { status: number; moved: boolean }> = {
  clean: { status: 200, moved: true },
  'settle-500': { status: 500, moved: true },
  'settle-502': { status: 502, moved: true },
  'settle-503': { status: 503, moved: true },
  'settle-404': { status: 404, moved: true },
  'settle-reset': { status: 0, moved: true },
  'settle-hang': { status: 0, moved: true },
  'settle-cut': { status: 0, moved: true },
  'settle-402': { status: 402, moved: true },
  'settle-402-other-amount': { status: 402, moved: true },
  'settle-402-other-payee': { status: 402, moved: true },
  'settle-402-denied': { status: 402, moved: true },
  'settle-silent': { status: 200, moved: true },
  'settle-garbled': { status: 200, moved: true },
  'settle-twice': { status: 200, moved: true },
  slow: { status: 0, moved: true },
  'late-503': { status: 503, moved: false },
  decline: { status: 402, moved: false },
  'decline-other-amount': { status: 402, moved: false },
  'decline-500': { status: 500, moved: false },
  reset: { status: 0, moved: false },
  hang: { status: 0, moved: false },
  forged: { status: 200, moved: false },
  free: { status: 200, moved: false },
  'redirect-301': { status: 301, moved: false },
  'redirect-302': { status: 302, moved: false },
  'redirect-303': { status: 303, moved: false },
  'redirect-307': { status: 307, moved: false },
  'redirect-308': { status: 308, moved: false },
}

describe.each(VERSIONS)('paid in version %i', (version) => {
  it.each(MODES)('%s answers and takes what it says', async (mode) => {
    const path = freshPath(version, mode)
    let status = -1
    const lost = await lossOf(async () => {
      status = await payOnce(path)
    })
    expect({ status, lost }).toEqual({ status: FIRST[mode].status, lost: FIRST[mode].moved ? PRICE : 0n })
    const { requests, payments, nonces, settlements } = server.record(path)
    expect({ requests, payments: payments.length, nonces: nonces.size }).toEqual({ requests: 2, payments: 1, nonces: 1 })
    expect(settlements.map(({ nonce }) => nonce)).toEqual(await settledNonces(path))
  })

  it.each(MODES)('%s serves the same authorization when it comes again, and settles it once', async (mode) => {
    const path = freshPath(version, mode)
    await payOnce(path)
    const header = server.record(path).payments[0]?.header ?? ''
    const again = await payer.fetch(`${server.url}${path}`, { headers: { [PAYMENT_HEADER[version]]: header } })
    expect({ status: again.status, body: await again.json() }).toEqual({ status: 200, body: { served: path } })
    expect(server.record(path).payments.map((payment) => payment.header)).toEqual([header, header])
    expect(await settledNonces(path)).toHaveLength(1)
  })
})

describe('the official client and one ordinary retry: the control for "one purchase, at most one settlement"', () => {
  const AMBIGUOUS: Mode[] = ['settle-hang', 'settle-502', 'settle-402', 'settle-reset', 'settle-402-denied', 'settle-cut', 'slow']
  const CASES = VERSIONS.flatMap((version) => AMBIGUOUS.map((mode) => ({ version, mode })))

  it.each(CASES)('pays twice for one purchase: $mode in version $version', async ({ version, mode }) => {
    const path = freshPath(version, mode)
    const lost = await lossOf(async () => {
      await payOnce(path)
      const retry = await payer.pay(`${server.url}${path}`)
      expect(retry.status).toBe(200)
    })
    expect(lost).toBe(2n * PRICE)
    expect(server.record(path).nonces.size).toBe(2)
    expect(await settledNonces(path)).toHaveLength(2)
  })

  it.each(VERSIONS)('pays twice where a payment settles late, after a 503 (version %i)', async (version) => {
    const path = freshPath(version, 'late-503')
    const lost = await lossOf(async () => {
      expect(await payOnce(path)).toBe(503)
      expect((await payer.pay(`${server.url}${path}`)).status).toBe(200)
      await server.release(path)
    })
    expect(lost).toBe(2n * PRICE)
    expect(await settledNonces(path)).toHaveLength(2)
  })

  it.each(VERSIONS)('pays once where the server declared truly that nothing was taken (version %i)', async (version) => {
    const path = freshPath(version, 'decline')
    const lost = await lossOf(async () => {
      expect(await payOnce(path)).toBe(402)
      expect((await payer.pay(`${server.url}${path}`)).status).toBe(200)
    })
    expect(lost).toBe(PRICE)
  })

  it('carries its payment to another origin where it is redirected', async () => {
    for (const version of VERSIONS) await payer.pay(`${server.url}${freshPath(version, 'redirect-307')}`)
    expect(withPayments(server.elsewhere.requests)).toHaveLength(2)
  })

  it('signs for millennia where the window comes as text', async () => {
    const path = freshPath(2, 'challenge/window-string')
    await payOnce(path)
    expect(server.record(path).payments[0]?.validBefore).toBeGreaterThan(BigInt(Date.parse('3000-01-01') / 1000))
  })
})

describe('held answers', () => {
  it('come when they are released, after the money moved', async () => {
    const path = freshPath(2, 'slow')
    const answer = payer.pay(`${server.url}${path}`)
    await server.held(path)
    expect(server.record(path).settlements).toHaveLength(1)
    await server.release(path)
    expect((await answer).status).toBe(200)
  })

  it('are broken off when a hanging path is released', async () => {
    const path = freshPath(2, 'hang')
    const answer = payer.pay(`${server.url}${path}`)
    await server.held(path)
    await Promise.all([expect(answer).rejects.toThrow(), server.release(path)])
    expect(server.record(path).settlements).toEqual([])
  })

  it('settle late: nothing has moved with the 503, and everything has when released', async () => {
    const path = freshPath(1, 'late-503')
    expect(await lossOf(() => payOnce(path))).toBe(0n)
    expect(await lossOf(() => server.release(path))).toBe(PRICE)
  })
})

describe('what the query changes', () => {
  it('asks the amount and the recipient that it is given', async () => {
    const path = freshPath(2, 'clean')
    await payOnce(path, `?amount=2500&payTo=${server.otherPayTo}`)
    expect((await testnet.settlementsFrom(payer.address)).at(-1)).toMatchObject({ value: 2_500n, to: server.otherPayTo })
  })

  it('again=reject answers a used authorization like an official server', async () => {
    const path = freshPath(2, 'settle-502')
    await payOnce(path, '?again=reject')
    const header = server.record(path).payments[0]?.header ?? ''
    const again = await payer.fetch(`${server.url}${path}?again=reject`, { headers: { 'PAYMENT-SIGNATURE': header } })
    expect(again.status).toBe(402)
    expect(Buffer.from(again.headers.get('payment-required') ?? '', 'base64').toString()).toContain('nonce_already_used')
  })

  it('again=fault asks forever', async () => {
    const path = freshPath(1, 'settle-402')
    for (const _ of [1, 2, 3]) expect(await payOnce(path, '?again=fault')).toBe(402)
    expect(server.record(path).settlements).toHaveLength(3)
  })
})

describe('a false settlement', () => {
  it('claims a transaction that the chain does not know', async () => {
    const path = freshPath(2, 'forged')
    const response = await payer.pay(`${server.url}${path}`)
    expect(Buffer.from(response.headers.get('payment-response') ?? '', 'base64').toString()).toContain('"success":true')
    expect(await settledNonces(path)).toEqual([])
  })

  it('tried twice moves the money once', async () => {
    const before = testnet.facilitator.attempts.length
    expect(await lossOf(() => payOnce(freshPath(2, 'settle-twice')))).toBe(PRICE)
    expect(testnet.facilitator.attempts.slice(before).map(({ success }) => success)).toEqual([true, false])
  })
})

describe('over TLS', () => {
  it('misbehaves the same, and redirects to the other origin over TLS', async () => {
    const path = freshPath(2, 'settle-reset')
    await expect(payer.pay(`${server.httpsUrl}${path}`)).rejects.toThrow()
    expect(await settledNonces(path)).toHaveLength(1)
    const moved = await payer.pay(`${server.httpsUrl}${freshPath(2, 'redirect-302')}`, { redirect: 'manual' })
    expect(moved.headers.get('location')).toBe(`${server.elsewhere.httpsUrl}/collect`)
  })
})

const CASES = Object.entries(CHALLENGES).flatMap(([name, evil]) => evil.versions.map((version) => ({ name, version, evil })))
/** Heads that an ordinary client does not read, and a body without an end. */
const UNREADABLE = /^(header-20-kilobytes|header-megabyte|offers-10000|bomb-.*)$/

describe('wrong challenges', () => {
  it.each(CASES.filter(({ name }) => !UNREADABLE.test(name)))(
    '$name in version $version is what its verdict says',
    async ({ name, version, evil }) => {
      const response = await payer.fetch(`${server.url}${freshPath(version, `challenge/${name}`)}`)
      const expected = { 'status-200': 200, 'status-412': 412 }[name] ?? 402
      expect(response.status).toBe(expected)
      const body = await response.text()
      const asksByMpp = /(^|, )Payment\b/.test(response.headers.get('www-authenticate') ?? '')
      const foreign = !response.headers.has('payment-required') && !body.includes('x402Version') && !asksByMpp
      if (expected === 402) expect(foreign).toBe(evil.verdict === 'passes')
    },
  )

  it('has a case for every verdict', () => {
    const verdicts = new Set<Verdict>(Object.values(CHALLENGES).map(({ verdict }) => verdict))
    expect([...verdicts].sort()).toEqual(['either', 'passes', 'payable', 'refused', 'unpaid'])
  })

  it.each(CASES.filter(({ evil }) => evil.verdict === 'payable'))(
    '$name in version $version can be paid and is served',
    async ({ name, version }) => {
      const path = freshPath(version, `challenge/${name}`)
      const header = await signedElsewhere(version)
      const response = await payer.fetch(`${server.url}${path}`, { headers: { [PAYMENT_HEADER[version]]: header } })
      expect({ status: response.status, settled: server.record(path).settlements.length }).toEqual({ status: 200, settled: 1 })
    },
  )

  it('gives browsers of version 1 nothing but HTML', async () => {
    const browser = { accept: 'text/html', 'user-agent': 'Mozilla/5.0' }
    const response = await payer.fetch(`${server.url}${freshPath(1, 'challenge/html-for-browsers')}`, { headers: browser })
    expect(response.headers.get('content-type')).toContain('text/html')
    expect(await response.text()).not.toContain('x402Version')
  })

  it('packs 64 megabytes into a body of less than 100 kilobytes', async () => {
    const built = CHALLENGES['bomb-gzip']?.build(
      1,
      { amount: '1', payTo: server.payTo, window_s: 60, resource: 'http://localhost/' },
      false,
    )
    expect(built === 'endless' ? 0 : Buffer.byteLength(built?.body ?? '')).toBeLessThan(100_000)
    const response = await payer.fetch(`${server.url}${freshPath(1, 'challenge/bomb-gzip')}`)
    expect((await response.arrayBuffer()).byteLength).toBe(64 * 1024 * 1024)
  })

  it('sends a body without an end for as long as somebody reads it', async () => {
    const response = await payer.fetch(`${server.url}${freshPath(1, 'challenge/bomb-endless-body')}`)
    let bytes = 0
    for await (const chunk of response.body ?? []) {
      bytes += chunk.byteLength
      if (bytes > 8 * 1024 * 1024) break
    }
    expect(bytes).toBeGreaterThan(8 * 1024 * 1024)
  })

  it('does not know misdeeds that it was not taught', async () => {
    for (const path of ['/v1/nonsense', '/v2/challenge/nonsense', '/v3/clean', '/v1/challenge/header-twice']) {
      expect((await payer.fetch(`${server.url}${path}`)).status).toBe(404)
    }
  })
})

/** A payment header that was signed for another path and taken to no facilitator. */
async function signedElsewhere(version: 1 | 2): Promise<string> {
  const path = freshPath(version, 'decline')
  await payOnce(path)
  return server.record(path).payments[0]?.header ?? ''
}
