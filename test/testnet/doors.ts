/** Where a test server listens: one handler behind plain HTTP and behind TLS, and a log of every request that came. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestTls } from './certificates.ts'

/** One request as it arrived: names and values in wire order, nothing removed. */
export interface SeenRequest {
  readonly method: string
  /** Path and query. */
  readonly target: string
  readonly secure: boolean
  readonly headers: readonly string[]
}

export interface Doors extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  readonly url: string
  /** `https://localhost:port` */
  readonly httpsUrl: string
  readonly requests: readonly SeenRequest[]
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void

/** Listens on free ports of the loopback. Closing destroys what is still open. */
export async function openDoors(handler: Handler, tls: TestTls): Promise<Doors> {
  const requests: SeenRequest[] = []
  const logged = (secure: boolean): Handler => {
    return (request, response) => {
      requests.push({ method: request.method ?? '', target: request.url ?? '', secure, headers: request.rawHeaders })
      handler(request, response)
    }
  }
  const plain = createServer(logged(false))
  const secure = createTlsServer({ key: tls.key, cert: tls.cert }, logged(true))
  const [port, securePort] = await Promise.all([listen(plain), listen(secure)])
  return {
    url: `http://127.0.0.1:${port}`,
    httpsUrl: `https://localhost:${securePort}`,
    requests,
    [Symbol.asyncDispose]: async () => {
      await Promise.all([close(plain), close(secure)])
    },
  }
}

/** @returns the port that the system chose. */
export function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
}

export function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}

/** The whole body of a request. Rejects if the sender breaks off. */
export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Ends the connection in the middle of the exchange: a reset, or under TLS an end without a goodbye. */
export function breakOff(response: ServerResponse): void {
  const { socket } = response
  if (!socket || 'encrypted' in socket) socket?.destroy()
  else socket.resetAndDestroy()
}
