import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createTrust, openConnection, UpstreamFault, upstreamFault } from '../../src/proxy/connection.ts'
import { startRawUpstream, testTls } from './exchange-rig.ts'

const origin = { scheme: 'https', host: 'localhost', port: 443 } as const

async function startTls(options: object = {}): Promise<{ port: number; name: Promise<string | false | undefined | null> }> {
  const { promise: name, resolve } = Promise.withResolvers<string | false | undefined | null>()
  const server = createServer({ ...testTls(), ALPNProtocols: ['h2', 'http/1.1'], ...options }, (socket) => {
    resolve(socket.servername)
    socket.on('error', () => undefined).resume()
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, name }
}

const open = (port: number, changes: { host?: string; trusted?: boolean; timeout_ms?: number } = {}) =>
  openConnection({
    origin: { ...origin, port, host: changes.host ?? 'localhost' },
    address: '127.0.0.1',
    secureContext: createTrust(changes.trusted === false ? [] : [testTls().ca]),
    timeout_ms: changes.timeout_ms ?? 5_000,
  })

describe('connection', () => {
  it('is ready once TLS is: the host’s name asked for, HTTP/1.1 agreed on', async () => {
    const { port, name } = await startTls()
    const socket = await open(port)
    expect(socket).toMatchObject({ authorized: true, alpnProtocol: 'http/1.1' })
    expect(await name).toBe('localhost')
    socket.destroy()
  })

  it('a host that is an address is verified as that address, and sends no name', async () => {
    const { port, name } = await startTls()
    const socket = await open(port, { host: '127.0.0.1' })
    expect(socket).toMatchObject({ authorized: true })
    expect(await name).toBe(false)
    socket.destroy()
  })

  it.each([
    ['an authority that nobody trusts', { trusted: false }, /SELF_SIGNED|UNABLE_TO/],
    ['another name', { host: 'other.example' }, /ERR_TLS_CERT_ALTNAME_INVALID/],
    ['another address', { host: '127.0.0.2' }, /ERR_TLS_CERT_ALTNAME_INVALID/],
  ])('a certificate for %s is upstream_untrusted', async (_, changes, word) => {
    const { port } = await startTls()
    const fault = await open(port, changes).catch((error: unknown) => error)
    expect(fault).toBeInstanceOf(UpstreamFault)
    expect(fault).toMatchObject({ refusalCode: 'upstream_untrusted', detail: expect.stringMatching(word) })
  })

  it('nothing below TLS 1.2 is spoken', async () => {
    const { port } = await startTls({ minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' })
    expect(await open(port).catch((error: unknown) => error)).toMatchObject({ refusalCode: 'upstream_unreachable' })
  })

  it('a peer that says nothing, or is not there, is told apart', async () => {
    const silent = await startRawUpstream(() => undefined)
    expect(await open(silent.port, { timeout_ms: 50 }).catch((error: unknown) => error)).toMatchObject({ refusalCode: 'upstream_timeout' })
    expect(await open(1).catch((error: unknown) => error)).toMatchObject({
      refusalCode: 'upstream_unreachable',
      detail: expect.stringContaining('ECONNREFUSED'),
    })
    const rude = await startRawUpstream((socket) => socket.end('canary-text'))
    const fault = await open(rude.port).catch((error: unknown) => error)
    expect(fault).toMatchObject({ refusalCode: 'upstream_unreachable' })
    expect(String(fault)).not.toContain('canary')
  })

  it.each([
    [Object.assign(new Error('x'), { code: 'UND_ERR_HEADERS_TIMEOUT' }), 'upstream_timeout'],
    [Object.assign(new Error('x'), { code: 'UND_ERR_BODY_TIMEOUT' }), 'upstream_timeout'],
    [Object.assign(new Error('x'), { code: 'UND_ERR_HEADERS_OVERFLOW' }), 'upstream_unreachable'],
    [Object.assign(new Error('canary'), { name: 'HTTPParserError' }), 'upstream_unreachable'],
    [new Error('canary'), 'upstream_unreachable'],
    ['canary', 'upstream_unreachable'],
    [new UpstreamFault('destination_not_allowed', 'No.'), 'destination_not_allowed'],
  ])('%s is told in our own words', (cause, code) => {
    const fault = upstreamFault(origin, cause)
    expect(fault.refusalCode).toBe(code)
    expect(fault.detail).not.toContain('canary')
  })
})
