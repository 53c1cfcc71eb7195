/** A corporate proxy of the kind that people run: absolute form and CONNECT, with credentials if asked for. Real sockets. */
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { onTestFinished } from 'vitest'
import type { TestTls } from '../testnet/certificates.ts'

export interface ParentRig {
  readonly port: number
  /** What was asked for, as `CONNECT host:port` or `GET http://…`. */
  readonly asked: string[]
  /** All heads, names and values. */
  readonly heads: string[][]
  /** All bytes that agents' side sent into tunnels. */
  tunnelled(): string
}

export interface ParentRigOptions {
  /** The value that Proxy-Authorization has to have. */
  readonly authorization?: string
  /** Answers every CONNECT with this status instead of a tunnel; 0 never answers. */
  readonly refuses?: number
  readonly tls?: TestTls
  /** Written right behind the 200. */
  readonly early?: string
}

/** It resolves names for itself: every one is this machine. */
export async function startParent({ authorization, refuses, tls, early = '' }: ParentRigOptions = {}): Promise<ParentRig> {
  const [asked, heads, sockets, sent]: [string[], string[][], Set<Socket>, Buffer[]] = [[], [], new Set(), []]
  const isWelcome = ({ headers }: IncomingMessage) => authorization === undefined || headers['proxy-authorization'] === authorization
  const note = (request: IncomingMessage) => {
    asked.push(`${request.method} ${request.url}`)
    heads.push(request.rawHeaders)
  }
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    note(request)
    if (!isWelcome(request)) return void response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end()
    const { port, pathname, search } = new URL(request.url ?? '')
    const { 'proxy-authorization': _, ...headers } = request.headers
    const onward = httpRequest({
      host: '127.0.0.1',
      port: port || 80,
      method: request.method,
      path: pathname + search,
      headers,
      agent: false,
    })
    onward.on('response', (answer) => answer.pipe(response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)))
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  }
  const server = tls ? createTlsServer(tls, handle) : createServer(handle)
  server.on('connection', (socket: Socket) => void sockets.add(socket))
  server.on('connect', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    note(request)
    socket.on('error', () => undefined)
    if (refuses === 0) return
    if (refuses !== undefined || !isWelcome(request)) return void socket.end(`HTTP/1.1 ${refuses ?? 407} No\r\nContent-Length: 0\r\n\r\n`)
    const onward = connect(Number(new URL(`http://${request.url}`).port || 80), '127.0.0.1')
    onward.on('error', () => socket.destroy())
    onward.once('connect', () => {
      socket.write(`HTTP/1.1 200 Connection established\r\n\r\n${early}`)
      onward.write(head)
      socket.on('data', (chunk: Buffer) => void sent.push(chunk))
      socket.pipe(onward).pipe(socket)
    })
    socket.on('close', () => onward.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, asked, heads, tunnelled: () => Buffer.concat(sent).toString('latin1') }
}
