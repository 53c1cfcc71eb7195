import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { promisify } from 'node:util'
import { describe, expect, it, onTestFinished, type TestContext } from 'vitest'
import { MAX_HEAD_BYTES } from '../../src/limits.ts'
import { ask, closed, identifyOne, type Rig, readAll, readSome, startRig, TOKEN, upstream } from './connect-rig.ts'

const run = promisify(execFile)
const HOST = 'api.example.com'
const ALL = { intercept: { hosts: ['*'], except: [] } }

interface Into {
  readonly target?: string
  /** Empty for a handshake without SNI. */
  readonly servername?: string
  readonly alpn?: string[]
  readonly more?: ConnectionOptions
  readonly onTicket?: (ticket: Buffer) => void
}

/** A verified TLS connection to whoever answers inside CONNECT. Without SNI the leaf has to be for the CONNECT's host. */
async function secure(
  rig: Rig,
  { target = `${HOST}:443`, servername = HOST, alpn = ['http/1.1'], more = {}, onTicket = () => undefined }: Into = {},
): Promise<TLSSocket> {
  const { status, socket } = await ask(rig.port, target)
  expect(status).toBe(200)
  const named = servername === '' ? { host: target.split(':')[0] ?? '' } : { servername }
  const tls = connectTls({ socket, ca: rig.authority.certPem, ALPNProtocols: alpn, ...named, ...more })
  tls.on('session', onTicket)
  onTestFinished(() => void tls.destroy())
  await once(tls, 'secureConnect')
  return tls
}

interface Answer {
  readonly status: number
  readonly headers: Record<string, unknown>
  readonly body: string
}

/** Writes a request by hand, so that its head is exactly this. */
async function overHttp1(tls: TLSSocket, head: string[]): Promise<Answer> {
  tls.write([...head, 'Connection: close', '', ''].join('\r\n'))
  const text = await readAll(tls)
  const [top = '', body = ''] = text.split('\r\n\r\n')
  const [first = '', ...fields] = top.split('\r\n')
  const headers = Object.fromEntries(fields.map((field) => field.toLowerCase().split(': ', 2) as [string, string]))
  return { status: Number(first.split(' ')[1]), headers, body }
}

async function overHttp2(tls: TLSSocket, head: Record<string, string>): Promise<Answer> {
  const session = connectHttp2(`https://${HOST}`, { createConnection: () => tls })
  session.on('error', () => undefined)
  onTestFinished(() => session.destroy())
  const stream = session.request({ ':path': '/', ...head })
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
  stream.setEncoding('utf8')
  let body = ''
  for await (const chunk of stream) body += chunk
  return { status: Number(headers[':status']), headers, body }
}

describe('interception', () => {
  it('serves HTTP/1.1 as the host that was asked for, and hands on who asked and where to', async () => {
    const rig = await startRig(ALL)
    const tls = await secure(rig)
    expect(tls.authorized).toBe(true)
    expect(tls.getPeerCertificate().subjectaltname).toBe(`DNS:${HOST}`)
    const answer = await overHttp1(tls, ['GET /v1?x=1 HTTP/1.1', `Host: ${HOST}`])
    expect(answer).toMatchObject({ status: 200, body: expect.stringContaining('inside') })
    expect(rig.heard).toHaveLength(1)
    const [{ request, door } = { request: undefined, door: undefined }] = rig.heard
    expect(request?.url).toBe('/v1?x=1')
    expect(door).toMatchObject({ mode: 'intercept', origin: { scheme: 'https', host: HOST, port: 443 } })
    expect(door?.credentials).toContain(TOKEN)
    expect(rig.lines).toEqual([])
  })

  it('serves HTTP/2 where the agent offers it, many requests on one connection', async () => {
    const rig = await startRig(ALL)
    const tls = await secure(rig, { alpn: ['h2', 'http/1.1'] })
    expect(tls.alpnProtocol).toBe('h2')
    const session = connectHttp2(`https://${HOST}`, { createConnection: () => tls })
    onTestFinished(() => session.destroy())
    const statuses = await Promise.all(
      ['/a', '/b', '/c'].map(async (path) => {
        const stream = session.request({ ':path': path })
        const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
        stream.resume()
        return headers[':status']
      }),
    )
    expect(statuses).toEqual([200, 200, 200])
    expect(rig.heard.map(({ request }) => request.url).sort()).toEqual(['/a', '/b', '/c'])
    for (const { door } of rig.heard) expect(door.origin).toEqual({ scheme: 'https', host: HOST, port: 443 })
  })

  it('keeps connections to different hosts apart', async () => {
    const rig = await startRig(ALL)
    const hosts = ['a.example', 'b.example', 'c.example']
    const ways = hosts.flatMap((host) => [
      { host, alpn: ['h2'] },
      { host, alpn: ['http/1.1'] },
    ])
    await Promise.all(
      ways.map(async ({ host, alpn }) => {
        const tls = await secure(rig, { target: `${host}:443`, servername: host, alpn })
        const h2 = alpn[0] === 'h2'
        await (h2
          ? overHttp2(tls, { ':authority': host, 'x-host': host })
          : overHttp1(tls, ['GET / HTTP/1.1', `Host: ${host}`, `X-Host: ${host}`]))
      }),
    )
    expect(rig.heard).toHaveLength(6)
    for (const { request, door } of rig.heard) expect(door.origin?.host).toBe(request.headers['x-host'])
  })

  it('resumes TLS sessions, of either version', async () => {
    const rig = await startRig(ALL)
    for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
      let session: Buffer | undefined
      const onTicket = (ticket: Buffer) => {
        session = ticket
      }
      await overHttp1(await secure(rig, { more: { maxVersion }, onTicket }), ['GET / HTTP/1.1', `Host: ${HOST}`])
      const again = await secure(rig, { more: { maxVersion, ...(session && { session }) } })
      expect(again.isSessionReused(), maxVersion).toBe(true)
      expect((await overHttp1(again, ['GET / HTTP/1.1', `Host: ${HOST}`])).status).toBe(200)
    }
  })

  it('speaks no TLS below 1.2', async () => {
    const rig = await startRig(ALL)
    const old: ConnectionOptions = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }
    await expect(secure(rig, { more: old })).rejects.toThrow()
    expect(await rig.line()).toMatchObject({ mode: 'intercept', outcome: 'failed', extra: { phase: 'tls' } })
  })

  it('accepts a handshake that arrives in pieces, and one that came with the CONNECT', async () => {
    const rig = await startRig(ALL)
    const tls = await secure(rig, { more: {} })
    expect((await overHttp1(tls, ['GET / HTTP/1.1', `Host: ${HOST}`])).status).toBe(200)
    const hello = await clientHello()
    for (const cut of [0, 1, 3, 5, 20]) {
      const { socket } = await ask(rig.port, `${HOST}:443`, { early: hello.subarray(0, cut) })
      await new Promise((resolve) => socket.write(hello.subarray(cut, cut + 1), resolve))
      socket.write(hello.subarray(cut + 1))
      expect((await readSome(socket))?.[0], `cut after ${cut} bytes`).toBe(0x16)
    }
  })

  it('is what curl gets that trusts the authority', async (context) => {
    await needCurl(context)
    const rig = await startRig(ALL)
    for (const version of ['--http1.1', '--http2']) {
      const { stdout } = await run('curl', [
        '-sS',
        version,
        ...proxyFlags(rig),
        '--cacert',
        rig.authority.certFile,
        '-w',
        ' %{http_code} %{http_version}',
        `https://${HOST}/x`,
      ])
      expect(stdout).toBe(`inside 200 ${version === '--http2' ? '2' : '1.1'}`)
    }
  })
})

async function needCurl(context: TestContext): Promise<void> {
  await run('curl', ['--version']).catch(() => context.skip('curl is not installed on this machine'))
}

const proxyFlags = (rig: Rig): string[] => ['--proxy', `http://ses_1:pst_token@127.0.0.1:${rig.port}`, '--noproxy', '']

/** The bytes of a real client's first flight. */
function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const write = (chunk: Buffer, _encoding: string, done: () => void) => {
      resolve(chunk)
      done()
    }
    const wire = new Duplex({ read: () => undefined, write })
    connectTls({ socket: wire, servername: HOST }).on('error', () => undefined)
  })
}

describe('CONNECT, SNI and Host', () => {
  const SNI = { absent: '', same: HOST, 'in capitals': 'API.Example.Com', other: 'other.example' }
  const HOSTS = {
    same: [HOST],
    'same with port': [`${HOST}:443`],
    'in capitals, with a dot': ['API.example.com.'],
    other: ['other.example'],
    'another port': [`${HOST}:8443`],
    'user before it': [`x@${HOST}`],
    empty: [''],
    'two that agree, in HTTP/1': [HOST, HOST],
    'two that differ': [HOST, 'other.example'],
    none: [],
  }
  const good = new Set(['same', 'same with port', 'in capitals, with a dot', 'two that agree, in HTTP/1'])
  const cases = Object.keys(SNI).flatMap((sni) => Object.keys(HOSTS).map((host) => [sni, host] as const)) as [
    keyof typeof SNI,
    keyof typeof HOSTS,
  ][]

  it.each(cases)('HTTP/1: SNI %s, Host %s', async (sni, host) => {
    const rig = await startRig(ALL)
    const tls = await secure(rig, { servername: SNI[sni] })
    const version = host === 'none' ? '1.0' : '1.1'
    const answer = await overHttp1(tls, [`GET /x?secret HTTP/${version}`, ...HOSTS[host].map((value) => `Host: ${value}`)])
    if (sni !== 'other' && good.has(host)) {
      expect(answer.status).toBe(200)
      expect(rig.heard).toHaveLength(1)
      return
    }
    expect(answer.status).toBe(421)
    expect(answer.headers).toMatchObject({ 'content-type': 'application/problem+json', connection: 'close' })
    expect(answer.body).toContain('"code":"host_mismatch"')
    expect(answer.body).toContain(`this connection was opened for ${HOST}:443`)
    expect(rig.heard).toHaveLength(0)
    expect(rig.lines).toMatchObject([
      { mode: 'intercept', outcome: 'refused', target: `https://${HOST}/x`, status: 421, code: 'host_mismatch' },
    ])
  })

  it.each([
    ['same', { ':authority': HOST }, 200],
    ['absent', { ':authority': `${HOST}:443` }, 200],
    ['same', { ':authority': 'other.example' }, 421],
    ['same', { ':authority': HOST, host: 'other.example' }, 421],
    ['same', { ':authority': `${HOST}:8443` }, 421],
    ['absent', { ':authority': 'other.example' }, 421],
    ['other', { ':authority': HOST }, 421],
    ['other', { ':authority': 'other.example' }, 421],
  ] as [keyof typeof SNI, Record<string, string>, number][])('HTTP/2: SNI %s, %j gets %i', async (sni, head, status) => {
    const rig = await startRig(ALL)
    const tls = await secure(rig, { servername: SNI[sni], alpn: ['h2'] })
    const answer = await overHttp2(tls, head)
    expect(answer.status).toBe(status)
    expect(rig.heard).toHaveLength(status === 200 ? 1 : 0)
    if (status === 421) expect(JSON.parse(answer.body)).toMatchObject({ code: 'host_mismatch', moneyState: 'none', sessionId: 'ses_1' })
  })

  it('on another port than 443 the Host has to name it', async () => {
    const rig = await startRig({ ...ALL, connectPorts: [8443] })
    const named = await secure(rig, { target: `${HOST}:8443` })
    expect((await overHttp1(named, ['GET / HTTP/1.1', `Host: ${HOST}:8443`])).status).toBe(200)
    const unnamed = await secure(rig, { target: `${HOST}:8443` })
    expect((await overHttp1(unnamed, ['GET / HTTP/1.1', `Host: ${HOST}`])).status).toBe(421)
  })
})

describe('what is refused inside TLS', () => {
  const REVOKED = { code: 'session_revoked', detail: 'Session ses_1 was revoked.', sessionId: 'ses_1' } as const

  it.each([
    ['a revoked session', { identify: identifyOne({ refusal: REVOKED }) }, 443, 'session_revoked'],
    ['a port that is not allowed', {}, 22, 'destination_not_allowed'],
  ])('%s: CONNECT gets 200, and each request a problem that its client can read', async (_what, options, port, code) => {
    const rig = await startRig({ ...ALL, ...options })
    const host = port === 443 ? HOST : `${HOST}:${port}`
    const one = await overHttp1(await secure(rig, { target: `${HOST}:${port}` }), ['POST / HTTP/1.1', `Host: ${host}`, 'Content-Length: 0'])
    const two = await overHttp2(await secure(rig, { target: `${HOST}:${port}`, alpn: ['h2'] }), { ':authority': host })
    for (const answer of [one, two]) {
      expect(answer.status).toBe(403)
      expect(answer.headers).toMatchObject({ 'content-type': 'application/problem+json' })
      expect(answer.body).toContain(`"code":"${code}"`)
    }
    expect(rig.heard).toHaveLength(0)
    expect(rig.lines.map((line) => line.code)).toEqual([code, code])
  })

  it('sends no body with the refusal of a HEAD request', async () => {
    const rig = await startRig({ ...ALL })
    const tls = await secure(rig)
    tls.end(`HEAD / HTTP/1.1\r\nHost: other.example\r\n\r\n`)
    expect((await readAll(tls)).endsWith('\r\n\r\n')).toBe(true)
  })

  it('refuses an upgrade to another host', async () => {
    let upgraded = 0
    const rig = await startRig({
      ...ALL,
      upgrade: (_request, socket) => {
        upgraded++
        socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n')
      },
    })
    const head = ['GET / HTTP/1.1', 'Upgrade: websocket']
    const upgrade = async (host: string) => {
      const tls = await secure(rig)
      tls.write([...head, `Host: ${host}`, 'Connection: upgrade', '', ''].join('\r\n'))
      return readAll(tls)
    }
    expect(await upgrade('other.example')).toMatch(/^HTTP\/1.1 421 /)
    expect(upgraded).toBe(0)
    expect(await upgrade(HOST)).toMatch(/^HTTP\/1.1 101 /)
    expect(upgraded).toBe(1)
  })
})

describe('what is no TLS', () => {
  it('is served as what it is if it is HTTP, on any port, also when it did not wait for the 200', async () => {
    const rig = await startRig(ALL)
    for (const early of [false, true]) {
      const http = `GET /a HTTP/1.1\r\nHost: ${HOST}\r\nConnection: close\r\n\r\n`
      const asked = await ask(rig.port, `${HOST}:80`, early ? { early: http } : {})
      if (!early) asked.socket.write(http)
      expect(await readAll(asked.socket)).toMatch(/^HTTP\/1.1 200 /)
    }
    expect(rig.heard).toHaveLength(2)
    expect(rig.heard[0]?.door).toMatchObject({ mode: 'intercept', origin: { scheme: 'http', host: HOST, port: 80 } })
  })

  it('is refused if it is HTTP for another host than the CONNECT', async () => {
    const rig = await startRig(ALL)
    const { socket } = await ask(rig.port, `${HOST}:80`)
    socket.write('GET / HTTP/1.1\r\nHost: other.example\r\n\r\n')
    expect(await readAll(socket)).toMatch(/^HTTP\/1.1 421 /)
    expect(rig.heard).toHaveLength(0)
  })

  it.each([
    ['another protocol', Buffer.from('SSH-2.0-OpenSSH_9.9\r\n')],
    ['SSL 2', Buffer.from([0x80, 0x2e, 0x01, 0x00, 0x02])],
    ['an alert', Buffer.from([0x15, 3, 3, 0, 2, 2, 40])],
  ])('is closed without a word if it is %s', async (_what, bytes) => {
    const rig = await startRig(ALL)
    const { socket } = await ask(rig.port, `${HOST}:443`)
    socket.write(bytes)
    await closed(socket)
    expect(await rig.line()).toMatchObject({ outcome: 'refused', code: 'request_invalid' })
  })

  it('is closed if it only begins like TLS', async () => {
    const rig = await startRig(ALL)
    const { socket } = await ask(rig.port, `${HOST}:443`)
    socket.write(Buffer.concat([Buffer.from([0x16, 3, 1, 0, 4]), Buffer.from('junk')]))
    await closed(socket)
    expect(await rig.line()).toMatchObject({ outcome: 'failed', extra: { phase: 'tls' } })
  })

  it.each([
    ['says nothing', Buffer.alloc(0), 'aborted'],
    ['stops within its first record', Buffer.from([0x16, 3, 1, 2]), 'failed'],
  ])('is closed after its time if it %s', async (_what, bytes, outcome) => {
    const rig = await startRig({ ...ALL, interception: { handshakeTimeout_ms: 50 } })
    const { socket } = await ask(rig.port, `${HOST}:443`)
    socket.write(bytes)
    await closed(socket)
    expect((await rig.line()).outcome).toBe(outcome)
  })

  it('leaves a line when an agent does not trust the authority', async (context) => {
    await needCurl(context)
    const rig = await startRig(ALL)
    await expect(run('curl', ['-sS', ...proxyFlags(rig), `https://${HOST}/`])).rejects.toThrow(/self-signed|unable to get local issuer/)
    expect(await rig.line()).toMatchObject({ outcome: 'failed', extra: { phase: 'tls' }, sessionId: 'ses_1' })
    expect(rig.heard).toHaveLength(0)
  })

  it('reports a leaf that could not be made, and closes', async () => {
    const fault = new Error('no entropy')
    const rig = await startRig({ ...ALL, interception: { authority: { contextFor: () => Promise.reject(fault) } } })
    const { socket } = await ask(rig.port, `${HOST}:443`)
    socket.write(await clientHello())
    await closed(socket)
    expect(rig.faults).toEqual([fault])
  })
})

describe('blind tunnels beside interception', () => {
  it('pass an address through even where all hosts are intercepted', async () => {
    const far = await upstream()
    const rig = await startRig({ ...ALL, opened: ['127.0.0.0/8'], connectPorts: [far.port] })
    const { socket } = (await ask(rig.port, `127.0.0.1:${far.port}`)) as { socket: Socket }
    socket.end('not TLS at all')
    expect(await readAll(socket)).toBe('not TLS at all')
    expect(await rig.line()).toMatchObject({ mode: 'tunnel', outcome: 'tunnelled' })
  })
})

describe('limits inside', () => {
  it('refuses a head beyond the bound, in either version', async () => {
    const rig = await startRig(ALL)
    // HTTP/2 allows twice as much until the agent has acknowledged our settings.
    const huge = 'x'.repeat(2 * MAX_HEAD_BYTES)
    const one = await overHttp1(await secure(rig), ['GET / HTTP/1.1', `Host: ${HOST}`, `X-Huge: ${huge}`])
    // The answer can be lost where the connection is cut while the head is still being written.
    expect(one.status === 431 || Number.isNaN(one.status)).toBe(true)
    const two = overHttp2(await secure(rig, { alpn: ['h2'] }), { ':authority': HOST, 'x-huge': huge })
    expect(await two.catch(() => ({ status: 431 }))).toMatchObject({ status: 431 })
    expect(rig.heard).toHaveLength(0)
  })
})
