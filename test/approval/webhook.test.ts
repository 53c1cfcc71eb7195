import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { createPost, webhookHeaders, webhookPayload } from '../../src/approval/webhook.ts'
import { anApproval, aWindow, HIRE } from './approvals-at-hand.ts'

const NOW = Date.now()
const SECRET = `whsec_${Buffer.from('a secret of thirty-two characters').toString('base64')}`
const SUBJECT = { type: 'approval.requested', at: Date.parse('2026-06-27T12:00:00Z'), approval: anApproval() }

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/hook?key=canary`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((closed) => server.close(closed))
    },
  }
}

describe('webhook', () => {
  it('the specification’s own library verifies what is signed, and nothing that was changed', () => {
    const body = webhookPayload(SUBJECT)
    const headers = webhookHeaders(body, { secret: SECRET, id: 'ntc_1', now: NOW })
    expect(new Webhook(SECRET).verify(body, headers)).toMatchObject({ type: 'approval.requested' })
    expect(() => new Webhook(SECRET).verify(body.replace('89', '98'), headers)).toThrow('No matching signature found')
    expect(() => new Webhook(SECRET).verify(body, { ...headers, 'webhook-id': 'ntc_2' })).toThrow('No matching signature found')
    expect(() => new Webhook(SECRET).verify(body, { ...headers, 'webhook-timestamp': '1' })).toThrow('Message timestamp too old')
  })

  it('a secret of another form is the key as it is written', () => {
    const headers = webhookHeaders('{}', { secret: 'plain words', id: 'ntc_1', now: NOW })
    expect(new Webhook('plain words', { format: 'raw' }).verify('{}', headers)).toEqual({})
  })

  it('without a secret nothing claims to be signed', () => {
    expect(webhookHeaders('{}', { id: 'ntc_1', now: 1_500 })).toEqual({ 'webhook-id': 'ntc_1', 'webhook-timestamp': '1' })
  })

  it('says all that will be signed, in the words of the API', () => {
    expect(JSON.parse(webhookPayload(SUBJECT))).toMatchObject({
      type: 'approval.requested',
      timestamp: '2026-06-27T12:00:00.000Z',
      data: {
        ...{ id: 'apr_1', kind: 'approval', state: 'pending', paymentId: 'pay_1', sessionId: 'ses_1', agent: 'procurement' },
        ...{ amount: '89.00', currency: 'USD', asset: 'USDC', amountAtomic: '89000000', network: 'eip155:84532', recipient: HIRE.payTo },
        ...{
          resource: HIRE.url,
          method: 'POST',
          tier: 'collaborative',
          remaining: '100.00',
          changes: HIRE.changes,
          required: 1,
          approved: 0,
        },
        ...{ expiresAt: '2026-06-27T16:00:00.000Z', vetoWindowSeconds: null, justification: 'needs a second opinion', untrusted: null },
      },
    })
    expect(JSON.parse(webhookPayload({ ...SUBJECT, approval: aWindow() })).data).toMatchObject({ kind: 'veto', vetoWindowSeconds: 30 })
  })

  it('has a link only where one reader is meant, and cleans what is not ours', () => {
    expect(JSON.parse(webhookPayload(SUBJECT)).data.links).toBeUndefined()
    expect(JSON.parse(webhookPayload(SUBJECT, 'https://purser.example/approve/x')).data.links).toEqual({
      decide: 'https://purser.example/approve/x',
    })
    const hostile = anApproval({ shown: { ...HIRE, justification: 'a\u202eb', untrusted: '\u001b[31mred' } })
    expect(JSON.parse(webhookPayload({ ...SUBJECT, approval: hostile })).data).toMatchObject({ justification: 'ab', untrusted: 'red' })
  })

  it('an alert says what happened', () => {
    const alert = {
      type: 'payment.prohibited',
      sessionId: 'ses_1',
      agent: 'a',
      owner: 'olga',
      at: 0,
      sentence: 'No.',
      facts: [['Host', 'x\u202ey']],
      topic: '',
    } as const
    expect(JSON.parse(webhookPayload({ type: alert.type, at: 0, alert }))).toMatchObject({
      type: 'payment.prohibited',
      data: { sentence: 'No.', facts: [{ label: 'Host', value: 'xy' }] },
    })
  })

  it('a post answers the status, carries its headers, and follows no redirect', async () => {
    const seen: IncomingMessage[] = []
    await using target = await serve((_request, response) => response.end('never'))
    await using hook = await serve((request, response) => {
      seen.push(request)
      response.writeHead(307, { location: target.url }).end()
    })
    expect(await createPost()(hook.url, { body: '{}', headers: { 'webhook-id': 'ntc_1' } })).toBe(307)
    expect(seen.map(({ method, headers }) => [method, headers['content-type'], headers['webhook-id']])).toEqual([
      ['POST', 'application/json', 'ntc_1'],
    ])
  })

  it('an endless answer is not read', async () => {
    await using hook = await serve((_request, response) => {
      response.writeHead(200)
      response.write('x')
    })
    expect(await createPost()(hook.url, { body: '{}', headers: {} })).toBe(200)
  })

  it('silence ends in a fault that names the host and never the rest of the URL, which may be the secret', async () => {
    await using hook = await serve(() => {})
    const fault = await createPost({ timeout_ms: 50 })(hook.url, { body: '{}', headers: {} }).catch((cause: Error) => cause)
    expect(String(fault)).toMatch(/^Error: 127\.0\.0\.1:\d+ gave no answer within 50 ms\.$/)
    const gone = await createPost()('http://127.0.0.1:1/canary', { body: '{}', headers: {} }).catch((cause: Error) => cause)
    expect(String(gone)).toBe('Error: 127.0.0.1:1 could not be reached.')
  })
})
