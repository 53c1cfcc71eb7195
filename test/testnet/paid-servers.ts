/** The official paid servers: @x402/express and @x402/hono for version 2, x402-express for version 1, with the same routes. */
import { createHash } from 'node:crypto'
import { getRequestListener } from '@hono/node-server'
import { HTTPFacilitatorClient, x402ResourceServer } from '@x402/core/server'
import { ExactEvmScheme } from '@x402/evm/exact/server'
import { paymentMiddleware as expressPayments } from '@x402/express'
import { paymentMiddleware as honoPayments } from '@x402/hono'
import express from 'express'
import { Hono } from 'hono'
import type { Hex } from 'viem'
import { paymentMiddleware as expressPaymentsV1 } from 'x402-express'
import type { TestTls } from './certificates.ts'
import { NETWORK, NETWORK_V1 } from './chain.ts'
import { openDoors, type SeenRequest } from './doors.ts'
import type { Facilitator } from './facilitator.ts'

/** The paid routes of every server. `atomic` is what arrives on the chain. */
export const PRICES = {
  'GET /weather': { price: '$0.001', atomic: 1_000n },
  'GET /data': { price: '$0.01', atomic: 10_000n },
  'POST /summarize': { price: '$0.002', atomic: 2_000n },
  'GET /expensive': { price: '$10', atomic: 10_000_000n },
  'GET /stream': { price: '$0.001', atomic: 1_000n },
  /** The handler answers 500, so these servers do not settle; the signature stays valid. */
  'GET /broken': { price: '$0.001', atomic: 1_000n },
} as const

export type PaidRoute = keyof typeof PRICES

export interface PaidServer extends AsyncDisposable {
  readonly url: string
  readonly httpsUrl: string
  /** Every request that arrived, unpaid ones included. */
  readonly requests: readonly SeenRequest[]
  /** How often the handler of this path ran, e.g. `/weather`. */
  served(path: string): number
}

export interface PaidServerPlan {
  readonly facilitator: Facilitator
  readonly merchant: Hex
  readonly window_s: number
  readonly tls: TestTls
}

/** What a handler answers. More than one chunk: a body of chunks, written one by one. */
interface Served {
  readonly status: number
  readonly type: string
  readonly chunks: readonly string[]
}

type Serve = (path: string, body?: Uint8Array) => Served

function makeHandlers(): { serve: Serve; served: (path: string) => number } {
  const counts = new Map<string, number>()
  const json = (value: unknown, status = 200): Served => ({ status, type: 'application/json', chunks: [JSON.stringify(value)] })
  const answers: Record<string, (body: Uint8Array) => Served> = {
    '/weather': () => json({ city: 'Lisbon', celsius: 21 }),
    '/data': () => json({ rows: [1, 2, 3] }),
    '/summarize': (body) => json({ sha256: createHash('sha256').update(body).digest('hex'), bytes: body.length }),
    '/expensive': () => json({ report: 'worth ten dollars' }),
    '/stream': () => ({ status: 200, type: 'text/event-stream', chunks: ['data: one\n\n', 'data: two\n\n', 'data: three\n\n'] }),
    '/broken': () => json({ error: 'the handler failed' }, 500),
    '/free': () => json({ free: true }),
  }
  return {
    serve: (path, body = new Uint8Array()) => {
      counts.set(path, (counts.get(path) ?? 0) + 1)
      return answers[path]?.(body) ?? json({ error: 'not found' }, 404)
    },
    served: (path) => counts.get(path) ?? 0,
  }
}

const GETS = ['/weather', '/data', '/expensive', '/stream', '/broken', '/free']

function expressRoutes(app: express.Express, serve: Serve): void {
  const send = (served: Served, response: express.Response) => {
    response.status(served.status).type(served.type)
    for (const chunk of served.chunks) response.write(chunk)
    response.end()
  }
  for (const path of GETS) app.get(path, (_, response) => send(serve(path), response))
  app.post('/summarize', express.raw({ type: () => true, limit: '64mb' }), (request, response) => {
    send(serve('/summarize', request.body instanceof Uint8Array ? request.body : undefined), response)
  })
}

/** Version 2, with the facilitator behind HTTP. */
export async function startExpressV2(plan: PaidServerPlan): Promise<PaidServer> {
  const handlers = makeHandlers()
  const app = express()
  app.use(expressPayments(routesV2(plan), resourceServer(new HTTPFacilitatorClient({ url: plan.facilitator.url }))))
  expressRoutes(app, handlers.serve)
  return open(app, handlers.served, plan.tls)
}

/** Version 2, with the facilitator in process. */
export async function startHonoV2(plan: PaidServerPlan): Promise<PaidServer> {
  const handlers = makeHandlers()
  const app = new Hono()
  app.use(honoPayments(routesV2(plan), resourceServer(plan.facilitator.adapter)))
  for (const path of GETS) app.get(path, () => respond(handlers.serve(path)))
  app.post('/summarize', async (context) => respond(handlers.serve('/summarize', new Uint8Array(await context.req.arrayBuffer()))))
  return open(getRequestListener(app.fetch), handlers.served, plan.tls)
}

/** Version 1. Browsers get HTML only. */
export async function startExpressV1(plan: PaidServerPlan): Promise<PaidServer> {
  const handlers = makeHandlers()
  const app = express()
  app.use(expressPaymentsV1(plan.merchant, routesV1(plan), { url: plan.facilitator.url as `${string}://${string}` }))
  expressRoutes(app, handlers.serve)
  return open(app, handlers.served, plan.tls)
}

function respond({ status, type, chunks }: Served): Response {
  const encoder = new TextEncoder()
  return new Response(ReadableStream.from(chunks.map((chunk) => encoder.encode(chunk))), { status, headers: { 'content-type': type } })
}

function resourceServer(facilitator: ConstructorParameters<typeof x402ResourceServer>[0]): x402ResourceServer {
  return new x402ResourceServer(facilitator).register(NETWORK, new ExactEvmScheme())
}

function routesV2({ merchant, window_s }: PaidServerPlan): Parameters<typeof expressPayments>[0] {
  const entries = Object.entries(PRICES).map(([route, { price }]) => {
    const accepts = { scheme: 'exact', network: NETWORK, price, payTo: merchant, maxTimeoutSeconds: window_s } as const
    return [route, { accepts, description: `What ${route} gives`, mimeType: 'application/json' }] as const
  })
  return Object.fromEntries(entries)
}

function routesV1({ window_s }: PaidServerPlan): Parameters<typeof expressPaymentsV1>[1] {
  const entries = Object.entries(PRICES).map(([route, { price }]) => {
    const config = { description: `What ${route} gives`, mimeType: 'application/json', maxTimeoutSeconds: window_s }
    return [route, { price, network: NETWORK_V1, config }] as const
  })
  return Object.fromEntries(entries)
}

async function open(handler: Parameters<typeof openDoors>[0], served: (path: string) => number, tls: TestTls): Promise<PaidServer> {
  return { ...(await openDoors(handler, tls)), served }
}
