/**
 * What Purser is held against: the plainest proxies that this Node can do, one way in each process. They admit everybody,
 * log nothing, count nothing, and pay nothing.
 *
 *   node plain-proxies.ts absolute|reverse|http-proxy-3 ORIGIN_PORT
 *   node plain-proxies.ts connect
 *   node plain-proxies.ts intercepted ORIGIN_PORT CERT KEY CA
 */
import { readFileSync } from 'node:fs'
import { Agent, createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createTls } from 'node:https'
import { connect, type Server } from 'node:net'
import type { Duplex } from 'node:stream'
import { createProxyServer } from 'http-proxy-3'
import { type Dispatcher, Pool } from 'undici'

const CONNECTIONS = 256
const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'proxy-authorization', 'purser-session', 'host'])
const ESTABLISHED = 'HTTP/1.1 200 Connection established\r\n\r\n'

/** Head and first bytes leave in one write. */
class Relay implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse
  #expected = -1
  #passed = 0

  constructor(response: ServerResponse) {
    this.#response = response
  }

  onRequestStart(): void {}

  onResponseStart({ rawHeaders }: Dispatcher.DispatchController, status: number): void {
    const headers = Array.isArray(rawHeaders) ? rawHeaders.map(String) : []
    const kept: string[] = []
    for (let i = 0; i + 1 < headers.length; i += 2) {
      const [name = '', value = ''] = [headers[i], headers[i + 1]]
      const lower = name.toLowerCase()
      if (lower === 'content-length') this.#expected = Number(value)
      if (!HOP_BY_HOP.has(lower)) kept.push(name, value)
    }
    this.#response.writeHead(status, kept)
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#passed += chunk.length
    if (this.#passed === this.#expected) this.#response.end(chunk)
    else this.#response.write(chunk)
  }

  onResponseEnd(): void {
    if (!this.#response.writableEnded) this.#response.end()
  }

  onResponseError(): void {
    this.#response.destroy()
  }
}

function relayTo(pool: Pool, pathOf: (url: string) => string): RequestListener {
  return (request: IncomingMessage, response: ServerResponse) => {
    const { rawHeaders, method, url = '/' } = request
    const headers: string[] = []
    for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
      const name = rawHeaders[i] ?? ''
      if (!HOP_BY_HOP.has(name.toLowerCase())) headers.push(name, rawHeaders[i + 1] ?? '')
    }
    pool.dispatch({ path: pathOf(url), method: method === 'GET' ? 'GET' : 'POST', headers, body: null }, new Relay(response))
  }
}

function poolTo(origin: string, ca?: Buffer): Pool {
  return new Pool(origin, { connections: CONNECTIONS, pipelining: 1, ...(ca && { connect: { ca } }) })
}

/** `http://127.0.0.1:1234/path` without the origin. */
const pathAfterOrigin = (url: string) => url.slice(url.indexOf('/', 'http://'.length))

function pipe(request: IncomingMessage, socket: Duplex): void {
  const [host = '', port = ''] = (request.url ?? '').split(':')
  const upstream = connect({ host, port: Number(port), noDelay: true }, () => {
    socket.write(ESTABLISHED)
    socket.pipe(upstream).pipe(socket)
  })
  upstream.on('error', () => socket.destroy())
  socket.on('error', () => upstream.destroy())
  socket.on('close', () => upstream.destroy())
}

function intercepting(port: string, { cert, key, ca }: { cert: Buffer; key: Buffer; ca: Buffer }): Server {
  const inner = createTls(
    { cert, key },
    relayTo(poolTo(`https://localhost:${port}`, ca), (url) => url),
  )
  return createServer().on('connect', (_request, socket: Duplex) => {
    socket.write(ESTABLISHED)
    inner.emit('connection', socket)
  })
}

function peer(port: string): Server {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const proxy = createProxyServer({ target: `http://127.0.0.1:${port}`, agent })
  proxy.on('error', (fault) => console.error(fault))
  return createServer((request, response) => {
    request.url = request.url?.replace('/bench/', '/') ?? '/'
    proxy.web(request, response)
  })
}

function serverFor([way, port = '', ...files]: readonly string[]): Server {
  const [cert, key, ca] = files.map((file) => readFileSync(file))
  const plain = () => poolTo(`http://127.0.0.1:${port}`)
  if (way === 'absolute') return createServer(relayTo(plain(), pathAfterOrigin))
  if (way === 'reverse') return createServer(relayTo(plain(), (url) => url.replace('/bench/', '/')))
  if (way === 'http-proxy-3') return peer(port)
  if (way === 'connect') return createServer().on('connect', pipe)
  if (way === 'intercepted' && cert && key && ca) return intercepting(port, { cert, key, ca })
  throw new Error(`unknown way ${way}`)
}

const server = serverFor(process.argv.slice(2))
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(JSON.stringify({ port: typeof address === 'object' && address ? address.port : 0 }))
})
process.on('disconnect', () => process.exit(0))
