/** The console's client against a real HTTP server. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { ApiProblem, CONSOLE_HEADER, createApi, IDLE_HEADER } from '../../src/console/api.ts'

interface Seen {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

async function serve(answer: (response: ServerResponse) => void) {
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    const chunks = await Array.fromAsync(request as AsyncIterable<Buffer>)
    seen.push({ method: request.method, url: request.url, headers: request.headers, body: Buffer.concat(chunks).toString() })
    answer(response)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  let signedOut = 0
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const kept: string[] = []
  const proof = { get: () => kept.at(-1) ?? null, set: (text: string) => void kept.push(text) }
  const api = createApi({ fetch, base, proof, onSignedOut: () => void signedOut++ })
  return { api, proof, base, seen, signedOut: () => signedOut, [Symbol.asyncDispose]: async () => void server.close() }
}

const json = (status: number, body: unknown) => (response: ServerResponse) =>
  void response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))

describe('the console’s client', () => {
  it('says so where nobody has touched the page of late, and only then', async () => {
    await using server = await serve(json(200, {}))
    let idle = true
    const api = createApi({ fetch, base: server.base, proof: server.proof, onSignedOut: () => undefined, isIdle: () => idle })
    await api.get('/v1/overview')
    idle = false
    await api.get('/v1/overview')
    expect(server.seen.map(({ headers }) => headers[IDLE_HEADER.toLowerCase()])).toEqual(['1', undefined])
  })

  it('every call carries the header that no other site can send; a key and a body go as they are', async () => {
    await using server = await serve(json(200, { fine: true }))
    expect(await server.api.get('/v1/payments', { state: 'settled', agent: undefined })).toEqual({ fine: true })
    expect(await server.api.post('/v1/sessions', { cap: '1' }, { key: 'k1' })).toEqual({ fine: true })
    const [read, written] = server.seen
    expect(read).toMatchObject({ method: 'GET', url: '/v1/payments?state=settled' })
    expect(written).toMatchObject({
      method: 'POST',
      body: '{"cap":"1"}',
      headers: { 'idempotency-key': 'k1', 'content-type': 'application/json' },
    })
    expect(server.seen.map(({ headers }) => headers[CONSOLE_HEADER.toLowerCase()])).toEqual(['1', '1'])
  })

  it('the proof that a sign-in brings goes with every call from then on', async () => {
    await using server = await serve((response) => void response.writeHead(204, { [CONSOLE_HEADER]: 'prf_1' }).end())
    await server.api.post('/console/sign-in', { token: 't' })
    await server.api.post('/v1/halt')
    expect(server.seen.map(({ headers }) => headers[CONSOLE_HEADER.toLowerCase()])).toEqual(['1', 'prf_1'])
  })

  it('a refusal is told in the API’s own words, and the sign-in stays', async () => {
    await using server = await serve(json(409, { code: 'conflict', detail: 'Too late.', nextAction: 'Look again.' }))
    const told = server.api.post('/v1/approvals/a/approve')
    await expect(told).rejects.toMatchObject({ status: 409, code: 'conflict', detail: 'Too late.', nextAction: 'Look again.' })
    expect(server.signedOut()).toBe(0)
  })

  it('401 signs out', async () => {
    await using server = await serve(json(401, { code: 'unauthorized', detail: 'No.' }))
    await expect(server.api.get('/v1/payments')).rejects.toBeInstanceOf(ApiProblem)
    expect(server.signedOut()).toBe(1)
  })

  it('an answer of something that is not Purser is a problem, and not an exception of another kind', async () => {
    await using server = await serve((response) => void response.writeHead(502).end('<h1>Bad gateway</h1>'))
    const told = server.api.get('/v1/payments')
    await expect(told).rejects.toMatchObject({ status: 502, code: 'unexpected', detail: 'Purser answered with status 502.' })
  })

  it('an answer without a body is fine, and no answer is said as such', async () => {
    await using server = await serve((response) => void response.writeHead(204).end())
    expect(await server.api.post('/console/sign-out')).toBeUndefined()
    const gone = createApi({
      fetch: () => Promise.reject(new TypeError('fetch failed')),
      proof: { get: () => null, set: () => undefined },
      onSignedOut: () => undefined,
    })
    await expect(gone.get('/v1/payments')).rejects.toMatchObject({ status: 0, code: 'no_answer', detail: 'Purser does not answer.' })
  })

  it('a call that was given up is no problem to show', async () => {
    await using server = await serve(() => undefined)
    const stop = AbortSignal.abort()
    await expect(server.api.get('/v1/payments', {}, stop)).rejects.toMatchObject({ name: 'AbortError' })
  })
})
