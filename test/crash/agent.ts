/** An agent that knows HTTP and nothing of payments: it asks, and asks again where it got no answer. */
import { request as httpRequest } from 'node:http'
import { parseJson } from '../testnet/wire.ts'

export interface Order {
  /** Absolute; a URL of its own for each purchase. */
  readonly url: string
  readonly headers: readonly string[]
}

export type Got =
  | { readonly kind: 'goods'; readonly money: string | undefined }
  | { readonly kind: 'refused'; readonly status: number; readonly code: string; readonly text: string }
  /** Another answer than what was asked for. */
  | { readonly kind: 'other'; readonly status: number; readonly text: string }
  | { readonly kind: 'broken' }

export interface AskOptions {
  readonly proxyUrl: string
  /** `session:token`. */
  readonly credentials: string
  /** Reset the connection as soon as the whole answer is there. */
  readonly reset?: boolean
}

/** One request through the proxy. Never rejects. */
export function ask({ url, headers }: Order, { proxyUrl, credentials, reset = false }: AskOptions): Promise<Got> {
  const { hostname, port } = new URL(proxyUrl)
  const auth = ['Proxy-Authorization', `Basic ${Buffer.from(credentials).toString('base64')}`]
  const all = ['Host', new URL(url).host, ...auth, ...headers]
  return new Promise((resolve) => {
    const request = httpRequest({ host: hostname, port, path: url, headers: all, agent: false })
    const broken = () => resolve({ kind: 'broken' })
    request.on('error', broken)
    request.on('response', (response) => {
      const { socket } = response
      const chunks: Buffer[] = []
      response.on('data', (chunk: Buffer) => chunks.push(chunk))
      response.on('error', broken).on('close', broken)
      response.on('end', () => {
        // The agent has read everything; the proxy cannot know that.
        if (reset) socket.resetAndDestroy()
        resolve(
          gotOf(response.statusCode ?? 0, { text: Buffer.concat(chunks).toString(), money: headerOf(response.headers['purser-money']) }),
        )
      })
    })
    request.end()
  })
}

function gotOf(status: number, { text, money }: { readonly text: string; readonly money: string | undefined }): Got {
  if (status >= 200 && status < 300) return { kind: 'goods', money }
  const problem = parseJson(text)
  const code = typeof problem === 'object' && problem !== null && 'code' in problem ? String(problem.code) : undefined
  return code === undefined ? { kind: 'other', status, text } : { kind: 'refused', status, code, text }
}

function headerOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : value?.[0]
}
