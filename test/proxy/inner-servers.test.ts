import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { createServer } from 'node:net'
import { connect as connectTls, TLSSocket } from 'node:tls'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { openAuthority } from '../../src/proxy/authority.ts'
import type { AgentResponse } from '../../src/proxy/door.ts'
import { createInnerServers, type InnerServers } from '../../src/proxy/inner-servers.ts'
import { closed, listen, readAll, readSome } from './connect-rig.ts'
import { dataFolder } from './data-folder.ts'

interface World {
  readonly servers: InnerServers<string>
  /** Answers that are still open. */
  readonly open: AgentResponse[]
  readonly contexts: string[]
  connect(alpn: string): Promise<TLSSocket>
}

/** Connections whose handshake is done, each with a context of its own; answers wait until the test ends them. */
async function world(idle_ms?: number): Promise<World> {
  const authority = await openAuthority({ dataDir: await dataFolder(), clock: systemClock })
  const secureContext = await authority.contextFor('a.example')
  const open: AgentResponse[] = []
  const contexts: string[] = []
  const servers = createInnerServers<string>(
    {
      request: (_request, response, context) => {
        contexts.push(context)
        open.push(response)
      },
      upgrade: (_request, socket, _head, context) => {
        contexts.push(context)
        socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n')
      },
    },
    idle_ms === undefined ? {} : { idle_ms },
  )
  let count = 0
  const door = createServer({ allowHalfOpen: true }, (socket) => {
    const tls = new TLSSocket(socket, { isServer: true, secureContext, ALPNProtocols: ['h2', 'http/1.1'] })
    tls.on('error', () => undefined)
    tls.once('secure', () => servers.serve(Object.assign(tls, { secureConnecting: false }), `connection ${++count}`))
  })
  const port = await listen(door)
  return {
    servers,
    open,
    contexts,
    async connect(alpn) {
      const tls = connectTls({ port, host: '127.0.0.1', servername: 'a.example', ca: authority.certPem, ALPNProtocols: [alpn] })
      onTestFinished(() => void tls.destroy())
      tls.on('error', () => undefined)
      await once(tls, 'secureConnect')
      return tls
    },
  }
}

const GET = 'GET / HTTP/1.1\r\nHost: a.example\r\n\r\n'
const turn = () => new Promise((resolve) => setImmediate(resolve))

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await turn()
}

function end(response: AgentResponse | undefined): void {
  if (response && 'stream' in response) response.end()
  else response?.end()
}

async function openHttp2(place: World) {
  const tls = await place.connect('h2')
  const client = connectHttp2('https://a.example', { createConnection: () => tls })
  client.on('error', () => undefined)
  onTestFinished(() => client.destroy())
  return { tls, client }
}

describe('servers inside connections', () => {
  it('give each request the context of its own connection', async () => {
    const place = await world()
    const first = await place.connect('http/1.1')
    const { client } = await openHttp2(place)
    client.request({ ':path': '/' })
    await until(() => place.contexts.length === 1)
    first.write(GET)
    await until(() => place.contexts.length === 2)
    expect(place.contexts).toEqual(['connection 2', 'connection 1'])
  })

  it.each(['http/1.1', 'h2'])('end an idle connection of %s', async (alpn) => {
    const place = await world(40)
    const tls = await place.connect(alpn)
    const client = alpn === 'h2' ? connectHttp2('https://a.example', { createConnection: () => tls }) : undefined
    client?.on('error', () => undefined)
    await closed(tls)
    expect(place.open).toHaveLength(0)
  })

  it('end a connection whose head drips in, although it is never silent', async () => {
    const place = await world(100)
    const tls = await place.connect('http/1.1')
    tls.write('GET / HTTP/1.1\r\n')
    const drip = setInterval(() => tls.write('X: y\r\n'), 10)
    onTestFinished(() => clearInterval(drip))
    await closed(tls)
    expect(place.open).toHaveLength(0)
  })

  it('drain: idle connections end, busy ones after their answer', async () => {
    const place = await world()
    const [idle, busy] = [await place.connect('http/1.1'), await place.connect('http/1.1')]
    const { tls, client } = await openHttp2(place)
    busy.write(GET)
    const stream = client.request({ ':path': '/' })
    await until(() => place.open.length === 2)
    place.servers.drain()
    await closed(idle)
    expect(busy.closed || tls.closed).toBe(false)
    for (const response of place.open) end(response)
    expect(await readAll(busy)).toMatch(/^HTTP\/1.1 200 /)
    stream.resume()
    await once(stream, 'close')
    await closed(tls)
    await closed(await place.connect('http/1.1'))
  })

  it('answer 400 to what is no request, and end', async () => {
    const place = await world()
    const tls = await place.connect('http/1.1')
    tls.write('NOT HTTP AT ALL\r\n\r\n')
    expect(await readAll(tls)).toMatch(/^HTTP\/1.1 400 /)
  })

  it('write nothing into an answer when what follows is no request', async () => {
    const place = await world()
    const tls = await place.connect('http/1.1')
    tls.write(GET)
    await until(() => place.open.length === 1)
    tls.write('NOT HTTP AT ALL\r\n\r\n')
    expect(await readAll(tls)).toBe('')
  })

  it('leave it to the handler when the agent may send its body', async () => {
    const place = await world()
    const tls = await place.connect('http/1.1')
    tls.write('POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n')
    await until(() => place.open.length === 1)
    end(place.open[0])
    expect((await readSome(tls))?.toString()).toMatch(/^HTTP\/1.1 200 /)
  })

  it('hand upgrades to WebSocket on, and treat others as requests', async () => {
    const place = await world(40)
    const upgraded = await place.connect('http/1.1')
    upgraded.write('GET / HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n')
    expect((await readSome(upgraded))?.toString()).toMatch(/^HTTP\/1.1 101 /)
    const other = await place.connect('http/1.1')
    other.write('GET / HTTP/1.1\r\nHost: a.example\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n')
    await until(() => place.open.length === 1)
    expect(place.contexts).toEqual(['connection 1', 'connection 2'])
    expect(upgraded.closed).toBe(false)
  })
})
