import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { type RunningAdmin, startAdmin } from '../../src/admin/listen.ts'
import { MAX_HEAD_BYTES } from '../../src/limits.ts'
import { makeTestTls } from '../testnet/certificates.ts'
import { ADMIN_TOKEN, type Answer, buy, requestOf, SPEC, startFixture } from './fixture.ts'

const LOOPBACK = { host: '127.0.0.1', port: 0 }

const ask = (admin: RunningAdmin, path: string, asked = {}) => fetch(`${admin.url}${path}`, requestOf(asked))

describe('listen', () => {
  it('answers over a real socket, from opening to closing a session', async () => {
    await using fixture = await startFixture()
    await using admin = await startAdmin({ app: async () => fixture.app, listen: LOOPBACK })
    expect(admin.url).toMatch(/^http:\/\/127\.0\.0\.1:[1-9][0-9]*$/)
    const opened = await ask(admin, '/v1/sessions', { body: SPEC })
    const { id }: Answer = await opened.json()
    expect([opened.status, opened.headers.get('cache-control')]).toEqual([201, 'no-store'])
    await buy(fixture, { sessionId: id })
    expect(await (await ask(admin, `/v1/sessions/${id}/close`, { body: {} })).json()).toMatchObject({ id, state: 'closed', spent: '1.00' })
    expect((await ask(admin, '/v1/sessions', { token: 'wrong' })).status).toBe(401)
  })

  it('streams an export of many pages', async () => {
    await using fixture = await startFixture()
    await using admin = await startAdmin({ app: async () => fixture.app, listen: LOOPBACK })
    const { id: sessionId } = await fixture.open()
    await buy(fixture, { sessionId })
    const { items } = await fixture.ledger.receipts({}, { limit: 1 })
    fixture.ledger.receipts = async (_, { cursor = '0' }) => ({
      items: Array.from({ length: 1000 }, () => items[0]).filter((item) => item !== undefined),
      next: cursor === '9' ? null : String(Number(cursor) + 1),
    })
    const answer = await ask(admin, '/v1/receipts?format=jsonl')
    expect(answer.headers.get('content-length')).toBeNull()
    expect((await answer.text()).trimEnd().split('\n')).toHaveLength(10_000)
  })

  it('a name that was rebound to it is refused, the address of the connection is its own', async () => {
    await using fixture = await startFixture()
    await using admin = await startAdmin({ app: async () => fixture.app, listen: { host: '0.0.0.0', port: 0 } })
    const { port } = new URL(admin.url)
    expect((await get({ port, host: 'evil.example' })).statusCode).toBe(421)
    expect((await get({ port, host: `127.0.0.1:${port}` })).statusCode).toBe(200)
  })

  it('a body without a length is bounded while it arrives', async () => {
    await using fixture = await startFixture()
    await using admin = await startAdmin({ app: async () => fixture.app, listen: LOOPBACK })
    const { port } = new URL(admin.url)
    const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json', 'transfer-encoding': 'chunked' }
    const outgoing = requestHttp({ port, path: '/v1/halt', method: 'POST', headers })
    outgoing.on('error', () => {})
    outgoing.write(`{"reason":"${'x'.repeat(2 * 1024 * 1024)}"}`)
    outgoing.end()
    const [answer]: IncomingMessage[] = await once(outgoing, 'response')
    answer?.destroy()
    expect(answer?.statusCode).toBe(413)
  })

  it.each([
    ['in pieces', 'Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n12\r\n{"reason":"drill"}\r\n0\r\n\r\n', 'drill'],
    ['that is not there', '\r\n', ''],
  ])('payments halt by a call with a body %s', async (_, rest, reason) => {
    await using fixture = await startFixture()
    await using admin = await startAdmin({ app: async () => fixture.app, listen: LOOPBACK })
    const socket = connect(Number(new URL(admin.url).port), '127.0.0.1')
    socket.write(`POST /v1/halt HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${ADMIN_TOKEN}\r\n${rest}`)
    const [answer]: Buffer[] = await once(socket, 'data')
    socket.destroy()
    expect(String(answer)).toMatch(/^HTTP\/1\.1 200 /)
    expect(await fixture.ledger.halts()).toMatchObject([{ scope: 'all', reason }])
    expect(fixture.faults).toEqual([])
  })

  it('a head beyond the bound is refused', async () => {
    await using fixture = await startFixture()
    await using admin = await startAdmin({ app: async () => fixture.app, listen: LOOPBACK })
    const { port } = new URL(admin.url)
    expect((await get({ port, host: '127.0.0.1', 'x-long': 'x'.repeat(MAX_HEAD_BYTES) })).statusCode).toBe(431)
  })

  it('speaks TLS where a certificate is given', async () => {
    const { cert, key, ca } = makeTestTls()
    await using fixture = await startFixture()
    await using admin = await startAdmin({ app: async () => fixture.app, listen: LOOPBACK, tls: { cert, key } })
    const { port, protocol } = new URL(admin.url)
    expect(protocol).toBe('https:')
    const outgoing = requestHttps({ host: '127.0.0.1', servername: 'localhost', port, path: '/healthz', ca, agent: false })
    outgoing.end()
    const [answer]: IncomingMessage[] = await once(outgoing, 'response')
    answer?.resume()
    expect(answer?.statusCode).toBe(200)
  })

  it('a taken port is an error that says so', async () => {
    await using fixture = await startFixture()
    await using admin = await startAdmin({ app: async () => fixture.app, listen: LOOPBACK })
    const port = Number(new URL(admin.url).port)
    await expect(startAdmin({ app: async () => fixture.app, listen: { host: '127.0.0.1', port } })).rejects.toMatchObject({
      code: 'EADDRINUSE',
    })
  })

  it('closing drops idle connections, and closing twice is no error', async () => {
    await using fixture = await startFixture()
    const admin = await startAdmin({ app: async () => fixture.app, listen: LOOPBACK })
    const { port } = new URL(admin.url)
    const socket = connect(Number(port), '127.0.0.1')
    socket.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    await once(socket, 'data')
    const ended = once(socket, 'close')
    await admin.close()
    await ended
    await admin.close()
    await expect(fetch(`${admin.url}/healthz`)).rejects.toThrow()
  })

  it('the app is made once, at the first request that needs it or before', async () => {
    let made = 0
    const app = async () => {
      made++
      return { fetch: () => new Response('here') }
    }
    await using admin = await startAdmin({ app, listen: LOOPBACK })
    expect(made).toBe(0)
    void admin.warm()
    await Promise.all([ask(admin, '/'), ask(admin, '/')])
    await admin.warm()
    expect([made, await (await ask(admin, '/')).text()]).toEqual([1, 'here'])
  })

  it('an app that cannot be made is told of, and made when it can', async () => {
    const fault = new Error('not there')
    const told: unknown[] = []
    let isThere = false
    const app = async () => {
      if (!isThere) throw fault
      return { fetch: () => new Response('here') }
    }
    const events = { faulted: (...fault: unknown[]) => void told.push(fault) }
    await using admin = await startAdmin({ app, events, listen: LOOPBACK })
    expect([(await ask(admin, '/')).status, told]).toEqual([500, [['admin', fault]]])
    isThere = true
    expect((await ask(admin, '/')).status).toBe(200)
  })

  it('a page that goes on asking on its connection does not keep it from closing', async () => {
    const arrived = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<void>()
    const slow = async () => {
      arrived.resolve()
      await answer.promise
      return new Response('here')
    }
    const admin = await startAdmin({ app: async () => ({ fetch: slow }), listen: LOOPBACK })
    const socket = connect(Number(new URL(admin.url).port), '127.0.0.1')
    const ended = once(socket, 'close')
    const ask = () => socket.write('GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n')
    ask()
    await arrived.promise
    const closed = admin.close()
    answer.resolve()
    await once(socket, 'data')
    ask()
    let told = ''
    socket.on('data', (bytes: Buffer) => {
      told += bytes.toString()
    })
    await ended
    await closed
    expect(told).toMatch(/^connection: close/im)
  })
})

async function get({ port, ...headers }: { port: string } & Record<string, string>): Promise<IncomingMessage> {
  const outgoing = requestHttp({ host: '127.0.0.1', port, path: '/healthz', headers, agent: false })
  outgoing.end()
  const [answer]: IncomingMessage[] = await once(outgoing, 'response')
  if (!answer) throw new Error('no answer')
  answer.resume()
  return answer
}
