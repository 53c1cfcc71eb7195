import { describe, expect, it } from 'vitest'
import type { AgentDoor, IdentityDoor } from '../../src/proxy/agent-door.ts'
import { askThrough, CREDENTIALS, problemOf, startProxy, TOKEN } from './exchange-rig.ts'

const echo: AgentDoor = async (session, request) =>
  Response.json({
    session: session.id,
    url: request.url,
    method: request.method,
    body: await request.text(),
    type: request.headers.get('content-type'),
  })

describe('agent door', () => {
  it.each([
    ['through the proxy', 'http://purser.internal/v1/session?a=1', CREDENTIALS],
    ['on a reverse route', '/.purser/v1/session?a=1', `Bearer ${TOKEN}`],
  ])('answers for the caller’s own session, %s', async (_, target, credentials) => {
    const rig = await startProxy({ agentDoor: echo })
    const answer = await askThrough(rig.port, target, { anonymous: true, headers: ['Proxy-Authorization', credentials] })
    expect(answer.status).toBe(200)
    expect(JSON.parse(answer.text)).toMatchObject({ session: 'ses_1', url: 'http://purser.internal/v1/session?a=1', method: 'GET' })
    expect(await rig.line()).toMatchObject({ outcome: 'passed', sessionId: 'ses_1' })
  })

  it('hands bodies over, and no credentials', async () => {
    const seen: string[] = []
    const door: AgentDoor = (session, request) => {
      seen.push(JSON.stringify([...request.headers]))
      return echo(session, request)
    }
    const rig = await startProxy({ agentDoor: door })
    const answer = await askThrough(rig.port, 'http://purser.internal/v1/quote', {
      method: 'POST',
      body: '{"url":"x"}',
      headers: ['Content-Type', 'application/json'],
    })
    expect(JSON.parse(answer.text)).toMatchObject({ method: 'POST', body: '{"url":"x"}', type: 'application/json' })
    expect(seen.join()).not.toMatch(/proxy-auth|canary/i)
  })

  it('refuses bodies beyond the bound', async () => {
    const rig = await startProxy({ agentDoor: echo })
    const answer = await askThrough(rig.port, 'http://purser.internal/v1/quote', { method: 'POST', body: Buffer.alloc(1024 * 1024 + 1) })
    expect(answer.status).toBe(413)
    expect(problemOf(answer)).toMatchObject({ code: 'request_invalid' })
  })

  it('answers HEAD without a body, and nobody without a session', async () => {
    const rig = await startProxy({ agentDoor: echo })
    expect(await askThrough(rig.port, 'http://purser.internal/', { method: 'HEAD' })).toMatchObject({ status: 200, text: '' })
    expect((await askThrough(rig.port, 'http://purser.internal/', { anonymous: true })).status).toBe(407)
  })

  it('where there is none, the reserved host is answered, never resolved', async () => {
    const asked: string[] = []
    const rig = await startProxy({
      resolve: async (host) => {
        asked.push(host)
        return []
      },
    })
    const answer = await askThrough(rig.port, 'http://purser.internal/v1/session')
    expect(problemOf(answer)).toMatchObject({ code: 'not_found', status: 404 })
    expect(asked).toEqual([])
  })

  it('a failing handler is an internal error', async () => {
    const rig = await startProxy({ agentDoor: () => Promise.reject(new Error('bug')) })
    expect((await askThrough(rig.port, 'http://purser.internal/')).status).toBe(500)
    expect(rig.faults).toHaveLength(1)
  })
})

describe('the door where a session is got', () => {
  const CREDENTIALS_URL = 'http://purser.internal/v1/session/credentials'
  const told: IdentityDoor = async (presented, request) => Response.json({ presented, body: await request.text() }, { status: 201 })

  it.each([
    ['through the proxy', CREDENTIALS_URL, ['Proxy-Authorization', 'Bearer a.b.c']],
    ['on a reverse route', '/.purser/v1/session/credentials', ['Purser-Identity', 'a.b.c']],
  ])('needs no session, and hands over what is presented, %s', async (_, target, headers) => {
    const rig = await startProxy({ identityDoor: told })
    const answer = await askThrough(rig.port, target, { anonymous: true, method: 'POST', headers, body: '{}' })
    expect(answer.status).toBe(201)
    expect(JSON.parse(answer.text)).toEqual({ presented: { token: 'a.b.c' }, body: '{}' })
  })

  it('is the only one: everything else wants a session, also of who proves what it is', async () => {
    const rig = await startProxy({ identityDoor: told, agentDoor: echo })
    for (const url of ['http://purser.internal/v1/session', `${CREDENTIALS_URL}/x`, `${CREDENTIALS_URL}?a=1`, 'http://a.example/']) {
      const answer = await askThrough(rig.port, url, { anonymous: true, headers: ['Proxy-Authorization', 'Bearer a.b.c'] })
      expect(answer.status).toBe(407)
    }
  })

  it('reads little of strangers', async () => {
    const rig = await startProxy({ identityDoor: told })
    const answer = await askThrough(rig.port, CREDENTIALS_URL, { anonymous: true, method: 'POST', body: Buffer.alloc(16 * 1024 + 1) })
    expect(answer.status).toBe(413)
  })

  it('does not exist where no identities are configured', async () => {
    const rig = await startProxy()
    expect((await askThrough(rig.port, CREDENTIALS_URL, { anonymous: true, method: 'POST' })).status).toBe(407)
  })
})
