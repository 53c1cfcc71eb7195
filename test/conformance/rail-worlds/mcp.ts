/** Exact by EIP-3009 of x402, and MPP's charge, inside MCP: the official SDK's server, answering with JSON or with events. */
import { HTTPFacilitatorClient } from '@x402/core/server'
import { z } from 'zod'
import { type Carrier, type Message, startMeddler } from '../../testnet/meddler.ts'
import { startPaidTools } from '../../testnet/paid-tools.ts'
import type { RailSpec, Shopping, Told } from '../rail-world.ts'

/** Where in `_meta` a payment is. */
const PAYMENT = { x402: 'x402/payment', mpp: 'org.paymentauth/credential' }
type Protocol = keyof typeof PAYMENT

const callSchema = z.looseObject({ params: z.looseObject({ _meta: z.looseObject({}).optional() }) })

const inMeta = (name: string): Carrier => ({
  find: ({ body }) => {
    const payment = callSchema.safeParse(parse(body.toString())).data?.params._meta?.[name]
    return payment === undefined ? undefined : JSON.stringify(payment)
  },
  remove: (message) => {
    const call = callSchema.parse(parse(message.body.toString()))
    const { [name]: _, ...meta } = call.params._meta ?? {}
    return { ...message, body: Buffer.from(JSON.stringify({ ...call, params: { ...call.params, _meta: meta } })) } satisfies Message
  },
})

function parse(text: string): unknown {
  return text === '' ? undefined : JSON.parse(text)
}

const resultSchema = z.object({
  result: z
    .object({
      isError: z.boolean().default(false),
      _meta: z.object({ 'purser/problem': z.object({ code: z.string(), moneyState: z.string() }).optional() }).default({}),
    })
    .optional(),
})

/** A call of a tool. HTTP says 200 of refusals too: what MCP says is told as HTTP would have it. */
function byCall(door: 'json' | 'events'): Shopping {
  return {
    target: () => `/${door}`,
    init: (name) => ({
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
      body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name: 'weather', arguments: { for: name } } }),
    }),
    read: ({ status, headers }, text) =>
      status === 200 ? readResult(headers, text) : { status, money: headers.get('purser-money') ?? '' },
  }
}

function readResult(headers: Headers, text: string): Told {
  const last = text.split('\n').findLast((line) => line.startsWith('data: '))
  const { result } = resultSchema.parse(JSON.parse(last?.slice('data: '.length) ?? text))
  const problem = result?._meta['purser/problem']
  const money = problem?.moneyState ?? headers.get('purser-money') ?? ''
  if (problem) return { status: 502, code: problem.code, money }
  return { status: result && !result.isError ? 200 : 500, money }
}

const failing = {
  why: 'a server whose facilitator fails answers with an error of JSON-RPC, and no answer but a challenge is a rejection',
  told: { first: { status: 500, money: 'unknown' } },
}

const unread = {
  why: 'what a tool says of the settlement is in its result, and an answer with status 403 has none',
  told: { first: { status: 403, money: 'unknown' } },
}

function tool(protocol: Protocol, door: 'json' | 'events'): RailSpec {
  return {
    ...{ name: `${protocol} inside mcp (${door})`, price: 1_000n, charged: 1_000n, afterEnd_ms: 0 },
    differs: {
      'settled and said so, and denied by a 403': unread,
      'settlement fails': failing,
      'settled, and the server is not told': failing,
    },
    start: async ({ facilitator, tls, keep, evm }) => {
      const stall = { tls, facilitatorUrl: facilitator.url, facilitator: { adapter: new HTTPFacilitatorClient({ url: facilitator.url }) } }
      const [server, other] = [keep(await startPaidTools(stall)), keep(await startPaidTools(stall))]
      const asks = protocol === 'mpp' ? 'mpp' : 'structure'
      server.behaviours.weather = { price: '$0.001', asks }
      // Another recipient and another price.
      other.behaviours.weather = { price: '$0.002', asks }
      const meddler = keep(
        await startMeddler({ carrier: inMeta(PAYMENT[protocol]), server: server.url, other: { server: other.url }, tls }),
      )
      return { ...evm, meddler, shopping: byCall(door) }
    },
  }
}

export const mcpJson = tool('x402', 'json')
export const mcpEvents = tool('x402', 'events')
export const mcpMpp = tool('mpp', 'events')
