import { once } from 'node:events'
import { request as httpsRequest } from 'node:https'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createProxyServer, parserOptions } from '../../src/proxy/forward-proxy.ts'
import { authLine, CREDENTIALS, connectRaw, exchangeRaw, startProxy, startUpstream, testTls } from './exchange-rig.ts'

const POST = (rest: string) => `POST http://127.0.0.1:1/ HTTP/1.1\r\nHost: a\r\n${authLine}Connection: close\r\n${rest}`
const GET = (rest: string) => `GET http://127.0.0.1:1/ HTTP/1.1\r\nHost: a\r\n${authLine}Connection: close\r\n${rest}`

/** Requests that some server somewhere reads as two, or as another one. */
const AMBIGUOUS: [string, string][] = [
  ['CL.TE', POST('Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')],
  ['TE.CL', POST('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\n')],
  ['two lengths, equal', POST('Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd')],
  ['two lengths, different', POST('Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde')],
  ['length list', POST('Content-Length: 4, 4\r\n\r\nabcd')],
  ['signed length', POST('Content-Length: +4\r\n\r\nabcd')],
  ['hexadecimal length', POST('Content-Length: 0x4\r\n\r\nabcd')],
  ['negative length', POST('Content-Length: -1\r\n\r\n')],
  ['huge length', POST('Content-Length: 99999999999999999999\r\n\r\n')],
  ['two encodings', POST('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')],
  ['chunked, identity', POST('Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n')],
  ['gzip, chunked', POST('Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n')],
  ['xchunked', POST('Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n')],
  ['chunked in HTTP/1.0', POST('Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n').replace('HTTP/1.1', 'HTTP/1.0')],
  ['two hosts', GET('Host: b\r\n\r\n')],
  ['obs-fold', GET('X: a\r\n b\r\n\r\n')],
  ['bare LF', GET('X: a\nY: b\r\n\r\n')],
  ['bare CR', GET('X: a\rY: b\r\n\r\n')],
  ['NUL', GET('X: a\0b\r\n\r\n')],
  ['space before the colon', GET('X : a\r\n\r\n')],
  ['space in the name', GET('X y: a\r\n\r\n')],
  ['no host', `GET http://127.0.0.1:1/ HTTP/1.1\r\n${authLine}Connection: close\r\n\r\n`],
  ['HTTP/1.2', GET('\r\n').replace('HTTP/1.1', 'HTTP/1.2')],
  ['tab in the target', GET('\r\n').replace(':1/', ':1/a\tb')],
  ['bad chunk size', POST('Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n')],
  ['chunk longer than it says', POST('Transfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n')],
]

describe('forward proxy', () => {
  it.each(AMBIGUOUS)('what could be read in two ways is refused: %s', async (_, bytes) => {
    const upstream = await startUpstream((_request, response) => response.end('READ'))
    const rig = await startProxy()
    const text = await exchangeRaw(rig.port, bytes.replaceAll('127.0.0.1:1/', `127.0.0.1:${upstream.port}/`))
    expect(text).not.toContain('READ')
    expect(text === '' || /^HTTP\/1.1 400 .*request_invalid/s.test(text) || /^HTTP\/1.1 400 Bad Request\r\n/.test(text)).toBe(true)
  })

  it('one request in is one request out, whatever its bytes', async () => {
    const upstream = await startUpstream((request, response) => {
      request.resume().on('end', () => response.end())
    })
    const rig = await startProxy()
    const name = fc.constantFrom(
      'Content-Length',
      'Transfer-Encoding',
      'Connection',
      'X',
      'TE',
      'Trailer',
      'Upgrade',
      'Expect',
      'Host',
      'Content-length ',
    )
    const value = fc.oneof(
      fc.constantFrom('0', '5', '7', 'chunked', ' chunked', 'close', 'content-length', 'x', '100-continue', '0, 5'),
      fc.string({ maxLength: 8 }),
    )
    const body = fc.constantFrom('', 'hello', '5\r\nhello\r\n0\r\n\r\n', '0\r\n\r\nGET / HTTP/1.1\r\nHost: smuggled\r\n\r\n')
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(name, value), { maxLength: 4 }), body, async (headers, rest) => {
        const before = upstream.targets.length
        const head = headers.map(([key, text]) => `${key}: ${text}\r\n`).join('')
        const client = connectRaw(rig.port)
        client.socket.end(
          Buffer.from(`POST ${upstream.url}/one HTTP/1.1\r\nHost: a\r\n${authLine}Connection: close\r\n${head}\r\n${rest}`, 'latin1'),
        )
        await client.closed()
        expect(upstream.targets.slice(before).filter((target) => target !== '/one')).toEqual([])
        expect(upstream.targets.length - before).toBeLessThanOrEqual(1)
      }),
      { numRuns: 150 },
    )
    expect(JSON.stringify(upstream.heads)).not.toContain('smuggled')
  })

  it('unreadable bytes get one 400 as a problem document, and the connection ends', async () => {
    const rig = await startProxy()
    const text = await exchangeRaw(rig.port, 'SSH-2.0-OpenSSH_9\r\n\r\n')
    expect(text).toMatch(/^HTTP\/1.1 400 Bad Request\r\n.*application\/problem\+json.*\r\nConnection: close\r\n.*request_invalid/s)
  })

  it('a head beyond the bound is refused with 431', async () => {
    const rig = await startProxy()
    const text = await exchangeRaw(rig.port, GET(`X: ${'a'.repeat(40_000)}\r\n\r\n`))
    expect(text).toMatch(/^HTTP\/1.1 431 /)
  })

  it('more headers than the bound are refused, not dropped', async () => {
    const rig = await startProxy()
    const text = await exchangeRaw(rig.port, GET(`${'X: a\r\n'.repeat(300)}\r\n`))
    expect(text).toMatch(/^HTTP\/1.1 400 .*more than 200 headers/s)
  })

  it('a head that does not come to an end is cut off', async () => {
    const rig = await startProxy({ listener: { head_ms: 200 } })
    expect(await exchangeRaw(rig.port, 'GET http://a/ HTTP/1.1\r\nHost: a\r\n')).toMatch(/^HTTP\/1.1 408 /)
  })

  it('an idle connection is closed', async () => {
    const upstream = await startUpstream((_, response) => response.end())
    const rig = await startProxy({ listener: { idle_ms: 100 } })
    expect(await exchangeRaw(rig.port, `GET ${upstream.url}/ HTTP/1.1\r\nHost: a\r\n${authLine}\r\n`)).toMatch(/^HTTP\/1.1 200/)
  })

  it('a broken body in the middle of an answer never puts a second answer into the first', async () => {
    const upstream = await startUpstream((request, response) => {
      request.on('error', () => undefined)
      response.write('streaming')
    })
    const rig = await startProxy()
    const client = connectRaw(rig.port)
    client.socket.write(`POST ${upstream.url}/ HTTP/1.1\r\nHost: a\r\n${authLine}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n`)
    await client.until(/streaming/)
    client.socket.write('garbage that is no chunk\r\n\r\n')
    expect(await client.closed()).not.toContain('400')
  })

  it('speaks TLS to agents where it has a certificate', async () => {
    const tls = testTls()
    const upstream = await startUpstream((_, response) => response.end('over tls'))
    const rig = await startProxy({ tls })
    const request = httpsRequest({
      host: '127.0.0.1',
      port: rig.port,
      ca: tls.ca,
      path: `${upstream.url}/`,
      headers: { 'Proxy-Authorization': CREDENTIALS },
      agent: false,
    })
    request.end()
    const [response] = await once(request, 'response')
    let text = ''
    for await (const chunk of response) text += chunk
    expect(text).toBe('over tls')
  })

  it('CONNECT goes to its own handler', async () => {
    const heard: string[] = []
    const server = createProxyServer({
      exchange: { handleRequest: () => undefined, handleUpgrade: () => undefined },
      handleConnect: (request, socket) => {
        heard.push(request.url ?? '')
        socket.end('HTTP/1.1 200 OK\r\n\r\n')
      },
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const address = server.address()
    if (typeof address !== 'object' || address === null) throw new Error('not listening')
    expect(await exchangeRaw(address.port, 'CONNECT api.example.com:443 HTTP/1.1\r\nHost: api.example.com:443\r\n\r\n')).toMatch(/200/)
    expect(heard).toEqual(['api.example.com:443'])
    server.close()
  })

  it('heads are read by the strict parser', () => {
    expect(parserOptions()).toMatchObject({ insecureHTTPParser: false, requireHostHeader: true })
  })
})
