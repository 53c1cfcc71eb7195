import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { CONNECT_TIMEOUT_MS } from '../../src/limits.ts'
import { type Authority, openAuthority } from '../../src/proxy/authority.ts'
import { createTrust } from '../../src/proxy/connection.ts'
import { createParents, type ParentProxy, type Parents } from '../../src/proxy/parent.ts'
import { openThroughParent } from '../../src/proxy/parent-connection.ts'
import { identifyOne, startRig, TOKEN } from './connect-rig.ts'
import { dataFolder } from './data-folder.ts'
import { askThrough, authLine, connectRaw, problemOf, startProxy, startRawUpstream, startUpstream, testTls } from './exchange-rig.ts'
import { startParent } from './parent-rig.ts'

const parentsAt = (port: number, more: Partial<ParentProxy> = {}): Parents => {
  const parent = { host: '127.0.0.1', port, secure: false, ...more }
  return createParents({ http: parent, https: parent, except: [] })
}
/** Only the parent can resolve anything. */
const resolve = () => Promise.reject(new Error('ENOTFOUND'))

/** A shop whose name only the parent knows, certified by an authority of its own. */
async function startShop(
  handler: RequestListener,
  certified = 'shop.example',
): Promise<{ port: number; url: string; authority: Authority; asked: string[] }> {
  const authority = await openAuthority({ dataDir: await dataFolder(), clock: systemClock })
  const context = await authority.contextFor(certified)
  const asked: string[] = []
  const server = createTlsServer({ SNICallback: (_, done) => done(null, context) }, (request, response) => {
    asked.push(`${request.url} ${request.rawHeaders.join(' ')}`)
    handler(request, response)
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { port, url: `https://shop.example:${port}`, authority, asked }
}

describe('https through a parent', () => {
  it('goes by CONNECT, verified end to end: the parent sees host and port, and the upstream nothing of the parent', async () => {
    const shop = await startShop((_, response) => response.end('canary-answer'))
    const parent = await startParent({ authorization: 'Basic Y29ycA==' })
    const parents = parentsAt(parent.port, { authorization: 'Basic Y29ycA==' })
    const rig = await startProxy({ parents, resolve, ca: [shop.authority.certPem] })
    const answer = await askThrough(rig.port, `${shop.url}/r?q=canary-query`)
    expect([answer.status, answer.text]).toEqual([200, 'canary-answer'])
    expect(parent.asked).toEqual([`CONNECT shop.example:${shop.port}`])
    expect(parent.tunnelled()).not.toMatch(/canary|GET/)
    expect(shop.asked.join()).not.toMatch(/Y29ycA|proxy/i)
  })

  it('a certificate for another name is not accepted', async () => {
    const shop = await startShop((_, response) => response.end(), 'other.example')
    const parent = await startParent()
    const rig = await startProxy({ parents: parentsAt(parent.port), resolve, ca: [shop.authority.certPem] })
    const answer = await askThrough(rig.port, `${shop.url}/`)
    expect(problemOf(answer)).toMatchObject({ status: 502, code: 'upstream_untrusted' })
    expect(shop.asked).toEqual([])
  })

  it('a payment takes the way of the request that asked for it', async () => {
    const shop = await startShop((request, response) => {
      if (request.headers['payment-signature']) response.end('resource')
      else response.writeHead(402).end('pay')
    })
    const parent = await startParent()
    const transports: string[] = []
    const rig = await startProxy({
      parents: parentsAt(parent.port),
      resolve,
      ca: [shop.authority.certPem],
      onPaymentRequired: async ({ transport }, _unpaid, send) => {
        transports.push(transport)
        const sent = await send({ set: ['Payment-Signature', 'signed'], beforeSend: () => true })
        if (sent.kind === 'failed') throw new Error(sent.detail)
        return { kind: 'answer', answer: sent.answer, headers: [], delivered: () => undefined }
      },
    })
    expect((await askThrough(rig.port, `${shop.url}/`)).text).toBe('resource')
    expect(transports).toEqual(['verified-tls'])
    expect(shop.asked).toHaveLength(2)
    expect(new Set(parent.asked)).toEqual(new Set([`CONNECT shop.example:${shop.port}`]))
  })

  it('a parent at an https address is verified itself', async () => {
    const shop = await startShop((_, response) => response.end('inside two'))
    const parent = await startParent({ tls: testTls() })
    const parents = parentsAt(parent.port, { host: 'localhost', secure: true })
    const trusting = await startProxy({ parents, resolve, ca: [shop.authority.certPem, testTls().ca] })
    expect((await askThrough(trusting.port, `${shop.url}/`)).text).toBe('inside two')
    const wary = await startProxy({ parents, resolve, ca: [shop.authority.certPem] })
    expect(problemOf(await askThrough(wary.port, `${shop.url}/`))).toMatchObject({ code: 'upstream_untrusted' })
    expect(parent.asked).toHaveLength(1)
  })

  it.each([
    ['refuses', { refuses: 403 }, 'upstream_unreachable', /refused the way to shop\.example:\d+ with 403/],
    ['wants other credentials', { authorization: 'Basic b3RoZXI=' }, 'upstream_unreachable', /did not accept this proxy’s credentials/],
    ['never answers', { refuses: 0 }, 'upstream_timeout', /opened no way to shop\.example:\d+ in time/],
  ])('a parent that %s: nothing was sent, and the refusal says so', async (_, options, code, detail) => {
    const shop = await startShop((_request, response) => response.end())
    const parent = await startParent(options)
    const rig = await startProxy({ parents: parentsAt(parent.port), resolve, limits: { upstream: { connect_ms: 300 } } })
    expect(problemOf(await askThrough(rig.port, `${shop.url}/`))).toMatchObject({ code, detail: expect.stringMatching(detail) })
    expect(rig.connections()).toBe(0)
  })

  it('an upstream that says nothing in the tunnel holds nothing up for long', async () => {
    const mute = await startRawUpstream(() => undefined)
    const parent = await startParent()
    const rig = await startProxy({ parents: parentsAt(parent.port), resolve, limits: { upstream: { connect_ms: 300 } } })
    expect(problemOf(await askThrough(rig.port, `https://shop.example:${mute.port}/`))).toMatchObject({ code: 'upstream_timeout' })
    expect([parent.asked, rig.connections()]).toEqual([[`CONNECT shop.example:${mute.port}`], 0])
  })

  it('a parent that is not there is named', async () => {
    const gone = await startRawUpstream((socket) => socket.destroy())
    const rig = await startProxy({ parents: parentsAt(gone.port), resolve })
    expect(problemOf(await askThrough(rig.port, 'https://shop.example/'))).toMatchObject({ code: 'upstream_unreachable' })
  })

  it('what the far side sent behind the 200 is read first', async () => {
    const far = await startRawUpstream(() => undefined)
    const parent = await startParent({ early: 'early bird' })
    const socket = await openThroughParent({
      origin: { scheme: 'http', host: 'far.example', port: far.port },
      ...{ parent: { host: '127.0.0.1', port: parent.port, secure: false }, tunnel: true, secureContext: createTrust([]) },
      ...{ clock: systemClock, timeout_ms: 5_000 },
    })
    const [first] = (await once(socket, 'data')) as [Buffer]
    expect(first.toString()).toBe('early bird')
    socket.destroy()
  })
})

describe('http through a parent', () => {
  it('goes in absolute form, with the credentials for the parent alone', async () => {
    const upstream = await startUpstream((_, response) => response.end('plain'))
    const parent = await startParent({ authorization: 'Basic Y29ycA==' })
    const rig = await startProxy({ parents: parentsAt(parent.port, { authorization: 'Basic Y29ycA==' }), resolve })
    const answer = await askThrough(rig.port, `http://shop.example:${upstream.port}/r?q=1`, { method: 'POST', body: 'hello' })
    expect([answer.status, answer.text]).toEqual([200, 'plain'])
    expect(parent.asked).toEqual([`POST http://shop.example:${upstream.port}/r?q=1`])
    expect(upstream.targets).toEqual(['/r?q=1'])
    expect(JSON.stringify(parent.heads)).not.toContain('canary-token')
  })

  it('is never payable, in an opened network neither', async () => {
    const upstream = await startUpstream((_, response) => response.writeHead(402).end())
    const parent = await startParent()
    const transports: string[] = []
    const rig = await startProxy({
      parents: parentsAt(parent.port),
      onPaymentRequired: async ({ transport }) => {
        transports.push(transport)
        return { kind: 'pass' }
      },
    })
    await askThrough(rig.port, `http://shop.example:${upstream.port}/`)
    expect(transports).toEqual(['plain'])
  })

  it('a parent’s demand for credentials is no 407 for the agent', async () => {
    const parent = await startParent({ authorization: 'Basic b3RoZXI=' })
    const rig = await startProxy({ parents: parentsAt(parent.port), resolve })
    const answer = await askThrough(rig.port, 'http://shop.example/')
    expect(answer.status).toBe(502)
    expect(problemOf(answer)).toMatchObject({ code: 'upstream_unreachable', detail: expect.stringContaining('credentials') })
  })

  it('an address that the guard refuses is not asked for', async () => {
    const parent = await startParent()
    const rig = await startProxy({ parents: parentsAt(parent.port), opened: [] })
    for (const url of ['http://10.0.0.1/', 'http://169.254.169.254/latest', 'https://metadata.google.internal/'])
      expect(problemOf(await askThrough(rig.port, url))).toMatchObject({ code: 'destination_not_allowed' })
    expect(parent.asked).toEqual([])
  })

  it('a WebSocket goes by CONNECT', async () => {
    const upstream = await startRawUpstream((socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n')),
    )
    const parent = await startParent()
    const rig = await startProxy({ parents: parentsAt(parent.port), resolve })
    const client = connectRaw(rig.port)
    const key = 'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
    client.socket.write(
      `GET http://chat.example:${upstream.port}/ HTTP/1.1\r\nHost: a\r\n${authLine}Connection: Upgrade\r\nUpgrade: websocket\r\n${key}\r\n`,
    )
    expect(await client.until(/\r\n\r\n/)).toMatch(/^HTTP\/1.1 403/)
    expect(parent.asked).toEqual([`CONNECT chat.example:${upstream.port}`])
  })
})

describe('a blind tunnel through a parent', () => {
  const connectTo = async (port: number, authority: string) => {
    const client = connectRaw(port)
    client.socket.write(`CONNECT ${authority} HTTP/1.1\r\nHost: ${authority}\r\nProxy-Authorization: ${TOKEN}\r\n\r\n`)
    return { client, head: await client.until(/\r\n\r\n/) }
  }

  it('passes bytes both ways, each half on its own', async () => {
    const far = await startRawUpstream((socket) => socket.on('data', (chunk) => socket.write(`echo ${chunk}`)))
    const parent = await startParent()
    const outward = { parents: parentsAt(parent.port), trust: createTrust([]) }
    const rig = await startRig({ outward, resolve, connectPorts: [far.port] })
    const { client, head } = await connectTo(rig.port, `far.example:${far.port}`)
    expect(head).toMatch(/^HTTP\/1.1 200/)
    client.socket.write('hello')
    expect(await client.until(/echo hello/)).toContain('echo hello')
    expect([parent.asked, rig.connections()]).toEqual([[`CONNECT far.example:${far.port}`], 1])
    client.socket.destroy()
    expect(await rig.line()).toMatchObject({ mode: 'tunnel', outcome: 'tunnelled', status: 200 })
    expect(rig.connections()).toBe(0)
  })

  it('a session that was revoked while the parent was asked gets none, and the way it made is closed', async () => {
    const gone = Promise.withResolvers<boolean>()
    const far = await startRawUpstream((socket) => socket.once('close', () => gone.resolve(true)))
    const parent = await startParent()
    let asked = 0
    const known = identifyOne()
    const revoked = identifyOne({ refusal: { code: 'session_revoked', detail: 'Revoked.' } })
    const outward = { parents: parentsAt(parent.port), trust: createTrust([]) }
    const identify: typeof known = (...request) => (asked++ === 0 ? known : revoked)(...request)
    const rig = await startRig({ outward, resolve, identify, connectPorts: [far.port] })
    const { head } = await connectTo(rig.port, `far.example:${far.port}`)
    expect(head).toMatch(/^HTTP\/1.1 403/)
    expect(await rig.line()).toMatchObject({ outcome: 'refused', code: 'session_revoked' })
    expect([rig.tunnels.active(), await gone.promise]).toEqual([0, true])
  })

  it('a parent that never answers is left after a while', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const asked = Promise.withResolvers<void>()
    const mute = await startRawUpstream((socket) => socket.once('data', () => asked.resolve()))
    const outward = { parents: parentsAt(mute.port), trust: createTrust([]) }
    const rig = await startRig({ outward, resolve })
    const connecting = connectTo(rig.port, 'far.example:443')
    await asked.promise
    vi.advanceTimersByTime(CONNECT_TIMEOUT_MS)
    expect((await connecting).head).toMatch(/^HTTP\/1.1 504/)
    expect(await rig.line()).toMatchObject({ outcome: 'refused', code: 'upstream_timeout' })
  })

  it('a refusal of the parent is told, and a private address never reaches it', async () => {
    const parent = await startParent({ refuses: 403 })
    const outward = { parents: parentsAt(parent.port), trust: createTrust([]) }
    const rig = await startRig({ outward, resolve })
    expect((await connectTo(rig.port, 'far.example:443')).head).toMatch(/^HTTP\/1.1 502/)
    expect((await connectTo(rig.port, '10.0.0.1:443')).head).toMatch(/^HTTP\/1.1 403/)
    expect(parent.asked).toEqual(['CONNECT far.example:443'])
  })
})

describe('Purser behind Purser', () => {
  it('the inner one asks the outer one with its session: requests pass, and the outer one’s refusals are told', async () => {
    const far = await startRawUpstream((socket) => socket.on('data', (chunk) => socket.write(`echo ${chunk}`)))
    const outer = await startRig({
      opened: ['127.0.0.0/8'],
      connectPorts: [far.port],
      resolve: async () => [{ address: '127.0.0.1', family: 4 }],
    })
    const parents = parentsAt(outer.port, { authorization: TOKEN })
    const inner = await startRig({ outward: { parents, trust: createTrust([]) }, resolve, connectPorts: [far.port, 444] })
    const connectTo = async (port: number) => {
      const client = connectRaw(inner.port)
      client.socket.write(`CONNECT far.example:${port} HTTP/1.1\r\nHost: x\r\nProxy-Authorization: ${TOKEN}\r\n\r\nhello`)
      return client.until(port === far.port ? /echo hello/ : /\r\n\r\n/)
    }
    expect(await connectTo(far.port)).toMatch(/^HTTP\/1.1 200.*echo hello/s)
    expect(await connectTo(444)).toMatch(/^HTTP\/1.1 502/)
    expect(await outer.line()).toMatchObject({ outcome: 'refused', code: 'destination_not_allowed' })
  })
})
