import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createIdentify, type Door, type Identified } from '../../src/session/identify.ts'
import { createSessionJwts } from '../../src/session/jwt.ts'
import { hashToken } from '../../src/session/token.ts'
import { NOW, session } from './fixtures.ts'

const TOKEN = 'pst_abc-DEF_123'
const OTHER = 'pst_other'
const DEFAULT = session({ id: 'ses_default', name: 'default' })
const sessions = new Map([
  [hashToken(TOKEN), session()],
  [hashToken(OTHER), session({ id: 'ses_2' })],
  [hashToken('pst_gone'), session({ id: 'ses_gone', status: 'revoked' })],
  [hashToken('pst_late'), session({ id: 'ses_late', expiresAt: 0 })],
  [hashToken('pst_closed'), session({ id: 'ses_closed', status: 'closed' })],
])
const sessionByToken = async (hash: string) => sessions.get(hash)
const identify = createIdentify({ sessionByToken })
const shared = createIdentify({ sessionByToken, defaultSession: async () => DEFAULT })

const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
const nameOf = (identified: Identified) => (identified.kind === 'session' ? identified.session.id : identified.refusal.code)
const DOORS: readonly Door[] = ['proxy', 'reverse']

describe('identify', () => {
  it.each([
    ['Basic with id and token', ['Proxy-Authorization', basic(`ses_1:${TOKEN}`)]],
    ['Basic in another case', ['proxy-authorization', basic(`ses_1:${TOKEN}`).replace('Basic', 'basic')]],
    ['Bearer with the token', ['Proxy-Authorization', `Bearer ${TOKEN}`]],
    ['Bearer with id and token', ['Proxy-Authorization', `Bearer ses_1.${TOKEN}`]],
    ['the header with the token', ['Purser-Session', TOKEN]],
    ['the header with id and token', ['PURSER-SESSION', `ses_1:${TOKEN}`]],
    ['both headers that agree', ['Proxy-Authorization', basic(`ses_1:${TOKEN}`), 'Purser-Session', TOKEN]],
  ])('knows the session by %s, at both doors', async (_, headers) => {
    for (const door of DOORS) expect(nameOf(await identify(['Host', 'x', ...headers], door))).toBe('ses_1')
  })

  it.each([
    ['an unknown token', ['Purser-Session', 'pst_unknown']],
    ['the id of another session', ['Proxy-Authorization', basic(`ses_2:${TOKEN}`)]],
    ['an id that does not exist', ['Purser-Session', `ses_9:${TOKEN}`]],
    ['two headers of a kind', ['Purser-Session', TOKEN, 'Purser-Session', TOKEN]],
    ['two proxy headers', ['Proxy-Authorization', `Bearer ${TOKEN}`, 'Proxy-Authorization', `Bearer ${TOKEN}`]],
    ['headers that disagree', ['Proxy-Authorization', `Bearer ${TOKEN}`, 'Purser-Session', OTHER]],
    ['headers whose ids disagree', ['Proxy-Authorization', basic(`ses_1:${TOKEN}`), 'Purser-Session', `ses_2:${TOKEN}`]],
    ['a good header beside a broken one', ['Proxy-Authorization', 'Digest x', 'Purser-Session', TOKEN]],
    ['a broken header beside a good one', ['Purser-Session', '', 'Proxy-Authorization', `Bearer ${TOKEN}`]],
    ['Basic without an id', ['Proxy-Authorization', basic(`:${TOKEN}`)]],
    ['Basic without a token', ['Proxy-Authorization', basic('ses_1:')]],
    ['Basic with two colons', ['Proxy-Authorization', basic(`ses_1:${TOKEN}:x`)]],
    ['Basic that is not base64', ['Proxy-Authorization', 'Basic !!!!']],
    ['a scheme alone', ['Proxy-Authorization', 'Bearer']],
    ['an unknown scheme', ['Proxy-Authorization', `Negotiate ${TOKEN}`]],
    ['two tokens in one header', ['Purser-Session', `${TOKEN}, ${OTHER}`]],
    ['an endless token', ['Purser-Session', 'a'.repeat(100_000)]],
    ['an empty header', ['Purser-Session', '']],
  ])('refuses %s with the same answer as everything that is wrong', async (_, headers) => {
    const refusal = {
      code: 'session_invalid',
      detail: 'The credentials are malformed, given twice, or belong to no session.',
    }
    expect(await identify(headers, 'proxy')).toEqual({ kind: 'refused', refusal: { ...refusal, status: 407 } })
    expect(await identify(headers, 'reverse')).toEqual({ kind: 'refused', refusal: { ...refusal, status: 401 } })
    expect(nameOf(await shared(headers, 'proxy'))).toBe('session_invalid')
  })

  it('asks the ledger for the session of each request: one that is revoked opens nothing from then on', async () => {
    let status: 'open' | 'revoked' = 'open'
    const changing = createIdentify({ sessionByToken: async () => session({ status }) })
    for (const headers of [
      ['Purser-Session', TOKEN],
      ['Proxy-Authorization', basic(`ses_1:${TOKEN}`)],
    ]) {
      status = 'open'
      expect(nameOf(await changing(headers, 'proxy'))).toBe('ses_1')
      status = 'revoked'
      expect(nameOf(await changing(headers, 'proxy'))).toBe('session_revoked')
    }
  })

  it('asks for credentials where there are none, in the words of each door', async () => {
    expect(await identify(['Host', 'x', 'Authorization', `Bearer ${TOKEN}`], 'proxy')).toMatchObject({
      refusal: { code: 'session_required', status: 407 },
    })
    expect(await identify([], 'reverse')).toMatchObject({ refusal: { code: 'session_required', status: 401 } })
  })

  it('gives requests without credentials the default session where there is one, and only those', async () => {
    expect(nameOf(await shared([], 'proxy'))).toBe('ses_default')
    expect(nameOf(await shared([], 'reverse'))).toBe('ses_default')
    expect(nameOf(await shared(['Purser-Session', TOKEN], 'proxy'))).toBe('ses_1')
  })

  it('a revoked session forwards nothing, at either door', async () => {
    for (const door of DOORS) {
      const refusal = { code: 'session_revoked', detail: 'Session ses_gone was revoked.', sessionId: 'ses_gone' }
      expect(await identify(['Purser-Session', 'pst_gone'], door)).toEqual({ kind: 'refused', refusal })
    }
    const revoked = createIdentify({ sessionByToken, defaultSession: async () => session({ status: 'revoked' }) })
    expect(nameOf(await revoked([], 'proxy'))).toBe('session_revoked')
  })

  it('expired and closed sessions pass, because unpaid traffic still does', async () => {
    expect(nameOf(await identify(['Purser-Session', 'pst_late'], 'proxy'))).toBe('ses_late')
    expect(nameOf(await identify(['Purser-Session', 'pst_closed'], 'proxy'))).toBe('ses_closed')
  })

  it('never shows a credential in what it answers', async () => {
    const refused = await identify(['Purser-Session', 'pst_canary_secret'], 'proxy')
    expect(JSON.stringify(refused)).not.toContain('canary')
  })

  it('no header text makes it throw or lets a stranger in', async () => {
    const value = fc.oneof(
      fc.string(),
      fc.string().map(basic),
      fc.string().map((text) => `Bearer ${text}`),
    )
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('Proxy-Authorization', 'Purser-Session'), value, async (header, text) => {
        expect(nameOf(await identify([header, text], 'proxy'))).toBe('session_invalid')
      }),
    )
  })

  it('passes on that the ledger cannot be read', async () => {
    const broken = createIdentify({ sessionByToken: () => Promise.reject(new Error('down')) })
    await expect(broken(['Purser-Session', TOKEN], 'proxy')).rejects.toThrow('down')
  })
})

describe('identify by a JWT', async () => {
  const jwts = await createSessionJwts(new Uint8Array(32).fill(9))
  const known = new Map([
    ['ses_1', session()],
    ['ses_gone', session({ id: 'ses_gone', status: 'revoked' })],
  ])
  let now = NOW
  const jwt = { verify: jwts.verify, session: async (id: string) => known.get(id), now: () => now }
  const byJwt = createIdentify({ sessionByToken, jwt })
  const token = await jwts.mint(session(), { now: NOW })

  it.each([
    ['Basic with id and token', ['Proxy-Authorization', basic(`ses_1:${token}`)]],
    ['Bearer with the token', ['Proxy-Authorization', `Bearer ${token}`]],
    ['Bearer with id and token', ['Proxy-Authorization', `Bearer ses_1.${token}`]],
    ['the header with the token', ['Purser-Session', token]],
    ['the header with id and token', ['Purser-Session', `ses_1:${token}`]],
    ['both headers that agree', ['Proxy-Authorization', basic(`ses_1:${token}`), 'Purser-Session', token]],
  ])('knows the session by %s', async (_, headers) => {
    expect(nameOf(await byJwt(headers, 'proxy'))).toBe('ses_1')
  })

  it('refuses it with the id of another session, without the key, and where the ledger knows no such session', async () => {
    expect(nameOf(await byJwt(['Proxy-Authorization', basic(`ses_2:${token}`)], 'proxy'))).toBe('session_invalid')
    expect(nameOf(await identify(['Purser-Session', token], 'proxy'))).toBe('session_invalid')
    const stranger = await jwts.mint(session({ id: 'ses_9' }), { now: NOW })
    expect(nameOf(await byJwt(['Purser-Session', stranger], 'proxy'))).toBe('session_invalid')
  })

  it('asks the ledger whether the session was revoked', async () => {
    const gone = await jwts.mint(session({ id: 'ses_gone' }), { now: NOW })
    expect(nameOf(await byJwt(['Purser-Session', gone], 'proxy'))).toBe('session_revoked')
  })

  it('says how long it lasts, which no other token does', async () => {
    const short = await jwts.mint(session(), { now: NOW, ttl_ms: 60_000 })
    expect(await byJwt(['Purser-Session', short], 'proxy')).toMatchObject({ kind: 'session', until: NOW + 60_000 })
    expect(await byJwt(['Purser-Session', TOKEN], 'proxy')).not.toHaveProperty('until')
  })

  it('says to whoever has a genuine one that it has expired', async () => {
    now = NOW + 3_600_000
    const said = await byJwt(['Purser-Session', token], 'reverse')
    expect(said).toMatchObject({ refusal: { code: 'session_invalid', status: 401, detail: expect.stringContaining('has expired') } })
    now = NOW
  })
})
