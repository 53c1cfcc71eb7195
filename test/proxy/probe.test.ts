import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { headerValue } from '../../src/http.ts'
import { openSession, startProxy, startRawUpstream, startUpstream, testTls } from './exchange-rig.ts'

describe('probe', () => {
  it('asks once, unpaid, and tells head and decoded body', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(402, { 'PAYMENT-REQUIRED': 'abc', 'Content-Encoding': 'gzip' })
      response.end(gzipSync('{"pay":"me"}'))
    })
    const rig = await startProxy()
    const probed = await rig.exchange.probe(openSession(), { url: `${upstream.url}/a?b=1#c`, method: 'GET' })
    expect(probed).toMatchObject({ kind: 'answer', url: `${upstream.url}/a?b=1`, transport: 'opened-plain', answer: { status: 402 } })
    if (probed.kind !== 'answer') throw new Error('no answer')
    expect(headerValue(probed.answer.headers, 'payment-required')).toBe('abc')
    expect(Buffer.from(probed.answer.body ?? []).toString()).toBe('{"pay":"me"}')
    expect(upstream.targets).toEqual(['/a?b=1'])
    expect(rig.lines).toEqual([])
  })

  it('asks over TLS where the configuration says so', async () => {
    const tls = testTls()
    const upstream = await startUpstream((_, response) => response.end(), tls)
    const rig = await startProxy({ ca: [tls.ca], upgradeToHttps: ['localhost'] })
    const probed = await rig.exchange.probe(openSession(), { url: `http://localhost:${upstream.port}/`, method: 'GET' })
    expect(probed).toMatchObject({ kind: 'answer', transport: 'verified-tls', url: `https://localhost:${upstream.port}/` })
  })

  it('takes headers of ours along, where the way is safe', async () => {
    const upstream = await startUpstream((_, response) => response.end())
    const rig = await startProxy()
    const set = ['PAYMENT-SIGNATURE', 'signed']
    const probed = await rig.exchange.probe(openSession(), { url: `${upstream.url}/`, method: 'GET', set })
    expect(probed).toMatchObject({ kind: 'answer', transport: 'opened-plain' })
    expect(headerValue(upstream.heads.at(-1) ?? [], 'payment-signature')).toBe('signed')
  })

  it('lets no signature out over a plain connection', async () => {
    const upstream = await startUpstream((_, response) => response.end())
    const guard = { vet: async () => ({ kind: 'vetted', address: '127.0.0.1', family: 4, opened: false }) as const }
    const rig = await startProxy({ guard })
    const set = ['PAYMENT-SIGNATURE', 'signed']
    const probed = await rig.exchange.probe(openSession(), { url: `${upstream.url}/`, method: 'GET', set })
    expect(probed).toMatchObject({ kind: 'failed', refusal: { code: 'plain_http_not_payable' } })
    expect(upstream.heads).toEqual([])
  })

  it('lets go of an upstream that keeps silent as soon as nobody waits any more', async () => {
    const asked = Promise.withResolvers<void>()
    const upstream = await startUpstream(() => asked.resolve())
    const rig = await startProxy()
    const gone = new AbortController()
    const probing = rig.exchange.probe(openSession(), { url: `${upstream.url}/`, method: 'GET' }, gone.signal)
    await asked.promise
    gone.abort()
    expect(await probing).toMatchObject({ kind: 'failed' })
    expect(await rig.exchange.probe(openSession(), { url: `${upstream.url}/`, method: 'GET' }, gone.signal)).toMatchObject({
      kind: 'failed',
    })
    expect(upstream.targets).toEqual(['/'])
  })

  it('reads no more of a long answer than of a challenge', async () => {
    const upstream = await startUpstream((_, response) => {
      response.end(Buffer.alloc(1_000_000))
    })
    const rig = await startProxy()
    const probed = await rig.exchange.probe(openSession(), { url: `${upstream.url}/`, method: 'GET' })
    expect(probed).toMatchObject({ kind: 'answer', answer: { status: 200, body: undefined } })
  })

  it.each([
    ['ftp://a/', 'GET', 'request_invalid'],
    ['http://purser.internal/', 'GET', 'request_invalid'],
    ['http://10.0.0.1/', 'GET', 'destination_not_allowed'],
    ['http://127.0.0.1:1/', 'GET', 'upstream_unreachable'],
    ['http://127.0.0.1:1/', 'CONNECT', 'request_invalid'],
    ['http://127.0.0.1:1/', 'GET /x', 'request_invalid'],
  ])('%s (%s) is refused as %s', async (url, method, code) => {
    const rig = await startProxy({ resolve: async (host) => [{ address: host, family: 4 }] })
    expect(await rig.exchange.probe(openSession(), { url, method })).toMatchObject({ kind: 'failed', refusal: { code } })
  })

  it('stays within a scope that judges every request', async () => {
    const rig = await startProxy()
    const session = openSession({ scope: { hosts: ['a.example'], enforce: 'all', tools: ['search'] } })
    expect(await rig.exchange.probe(session, { url: 'http://b.example/', method: 'GET' })).toMatchObject({
      refusal: { code: 'out_of_scope' },
    })
  })

  it('an answer that breaks off is unreachable', async () => {
    const upstream = await startRawUpstream((socket) => {
      socket.once('data', () => socket.end('HTTP/1.1 402 Payment Required\r\nContent-Length: 10\r\n\r\nhal'))
    })
    const rig = await startProxy()
    expect(await rig.exchange.probe(openSession(), { url: `${upstream.url}/`, method: 'GET' })).toMatchObject({
      refusal: { code: 'upstream_unreachable' },
    })
  })
})
