import type { IncomingMessage, ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { headerValue } from '../../src/http.ts'
import { inMcp } from '../../src/rails/in-mcp.ts'
import type { Delivery, OnPaymentRequired, PaidRequest, SendResult, UnpaidAnswer } from '../../src/session/exchange.ts'
import { readBody } from '../testnet/doors.ts'
import { askThrough, authLine, connectRaw, startProxy, startUpstream } from './exchange-rig.ts'

const HEADERS = ['Content-Type', 'application/json', 'Accept', 'application/json, text/event-stream', 'Accept-Encoding', 'gzip']
const CALL = '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"weather","arguments":{}}}'
const REQUIRED = { x402Version: 2, accepts: [] }
const PAYMENT = Buffer.from('{"x402Version":2,"paid":true}').toString('base64')
const SETTLED = { success: true, transaction: `0x${'ab'.repeat(32)}`, network: 'eip155:84532' }

interface Message {
  readonly id: unknown
  readonly params: { readonly _meta?: Record<string, unknown> }
}

type Serve = (message: Message, response: ServerResponse, request: IncomingMessage) => void

const says = (response: ServerResponse, id: unknown, result: object) =>
  response.setHeader('content-type', 'application/json').end(JSON.stringify({ jsonrpc: '2.0', id, result }))
const asks = (response: ServerResponse, { id }: Message) => says(response, id, { isError: true, content: [], structuredContent: REQUIRED })

/** A flow that sends once and hands the answer on, or refuses with what failed. */
async function runThrough(serve: Serve, options: { call?: string; flow?: OnPaymentRequired; set?: readonly string[] } = {}) {
  const seen: { results: SendResult[]; requests: PaidRequest[]; unpaid: UnpaidAnswer[]; deliveries: Delivery[]; messages: Message[] } = {
    ...{ results: [], requests: [], unpaid: [], deliveries: [], messages: [] },
  }
  const upstream = await startUpstream(async (request, response) => {
    const message = JSON.parse((await readBody(request)).toString()) as Message
    seen.messages.push(message)
    serve(message, response, request)
  })
  const sendOnce: OnPaymentRequired = async (request, unpaid, send) => {
    seen.requests.push(request)
    seen.unpaid.push(unpaid)
    const result = await send({ set: options.set ?? ['PAYMENT-SIGNATURE', PAYMENT] })
    seen.results.push(result)
    if (result.kind === 'failed') return { kind: 'refuse', refusal: { code: result.code, detail: result.detail } }
    return { kind: 'answer', answer: result.answer, headers: [], delivered: (delivery) => void seen.deliveries.push(delivery) }
  }
  const rig = await startProxy({ onPaymentRequired: options.flow ?? sendOnce, toolDialect: inMcp })
  const ask = (body = options.call ?? CALL) => askThrough(rig.port, `${upstream.url}/mcp`, { method: 'POST', headers: HEADERS, body })
  return { ...seen, rig, upstream, ask }
}

/** Unpaid it asks, paid it is served. */
const honest: Serve = (message, response) =>
  message.params._meta?.['x402/payment']
    ? says(response, message.id, { content: [], _meta: { 'x402/payment-response': SETTLED } })
    : asks(response, message)

describe('a call of a tool', () => {
  it('goes to the flow as a 402 that asks for the same, with its tool, and with a digest that its id does not change', async () => {
    const run = await runThrough(honest)
    await run.ask()
    await run.ask(CALL.replace('"id":1', '"id":"other"'))
    const [first, second] = run.requests
    expect(first).toMatchObject({ hints: { tool: 'weather' }, singular: true, method: 'POST', url: `${run.upstream.url}/mcp` })
    expect((await second?.body())?.digest).toBe((await first?.body())?.digest)
    expect(run.unpaid[0]).toMatchObject({ status: 402, headers: [] })
    expect(Buffer.from(run.unpaid[0]?.body ?? []).toString()).toBe(JSON.stringify(REQUIRED))
  })

  it('is paid by a member of its _meta, under another id, and what it says of the settlement is a header', async () => {
    const run = await runThrough(honest)
    const answer = await run.ask()
    expect(JSON.parse(answer.text)).toMatchObject({ id: 1, result: { _meta: { 'x402/payment-response': SETTLED } } })
    const [unpaid, paid] = run.messages
    expect(paid?.params._meta).toEqual({ 'x402/payment': { x402Version: 2, paid: true } })
    expect(paid?.id).not.toBe(unpaid?.id)
    expect(run.upstream.heads.map((head) => headerValue(head, 'payment-signature'))).toEqual([undefined, undefined])
    expect(run.upstream.heads.map((head) => headerValue(head, 'accept-encoding'))).toEqual(['identity', 'identity'])
    expect(Buffer.from(answer.headers['payment-response'] as string, 'base64').toString()).toBe(JSON.stringify(SETTLED))
    expect(run.deliveries).toMatchObject([{ status: 200, complete: true }])
  })

  it('is read, and its paid answer plain, where a server codes it although nobody asked for that', async () => {
    const coded: Serve = (message, response) => {
      const end = response.end.bind(response)
      response.setHeader('content-encoding', 'gzip')
      response.end = ((body: string) => end(gzipSync(body))) as typeof response.end
      honest(message, response, response.req)
    }
    const run = await runThrough(coded)
    const answer = await run.ask()
    expect(answer.headers['content-encoding']).toBeUndefined()
    expect(JSON.parse(answer.text)).toMatchObject({ id: 1, result: { _meta: { 'x402/payment-response': SETTLED } } })
  })

  it('that is asked for by a 402 of HTTP is paid by a header', async () => {
    const run = await runThrough((message, response, { headers }) => {
      if (headers['payment-signature']) says(response, message.id, { content: [] })
      else response.writeHead(402, { 'payment-required': 'e30=' }).end('{}')
    })
    expect(JSON.parse((await run.ask()).text)).toEqual({ jsonrpc: '2.0', id: 1, result: { content: [] } })
    expect(run.messages.map(({ params }) => params._meta)).toEqual([undefined, undefined])
    expect(run.unpaid[0]?.headers).toContain('payment-required')
  })

  it('whose payment cannot go inside it does not leave', async () => {
    const run = await runThrough(honest, { set: ['Authorization', 'Payment x'] })
    await run.ask()
    expect(run.results).toMatchObject([{ kind: 'failed', sent: false, code: 'scheme_not_supported' }])
    expect(run.messages).toHaveLength(1)
  })

  it('that is called off on a ready connection has not left', async () => {
    const results: SendResult[] = []
    const flow: OnPaymentRequired = async (_request, _unpaid, send) => {
      results.push(await send({ set: ['PAYMENT-SIGNATURE', PAYMENT], beforeSend: () => false }))
      return { kind: 'refuse', refusal: { code: 'upstream_timeout', detail: 'Told.' } }
    }
    const run = await runThrough(honest, { flow })
    await run.ask()
    expect(results).toMatchObject([{ kind: 'failed', sent: false }])
    expect(run.messages).toHaveLength(1)
  })

  it.each([
    ['another challenge', (message: Message, response: ServerResponse) => asks(response, message), 402],
    ['a failure of the tool', ({ id }: Message, response: ServerResponse) => says(response, id, { isError: true, content: [] }), 422],
    ['a status of HTTP', (_: Message, response: ServerResponse) => response.writeHead(500).end('down'), 500],
  ] as const)('that is answered with %s says so to the flow', async (_, serve, status) => {
    const run = await runThrough((message, response) =>
      message.params._meta?.['x402/payment'] ? serve(message, response) : asks(response, message),
    )
    await run.ask()
    expect(run.results).toMatchObject([{ kind: 'answer', answer: { status } }])
    expect(run.deliveries).toMatchObject([{ status }])
  })

  it.each([
    ['breaks off', (response: ServerResponse) => void response.write('data: x', () => response.destroy())],
    ['ends without a response', (response: ServerResponse) => response.end('data: {}\n\n')],
  ])('whose paid stream %s was sent, and nobody knows its end', async (_, end) => {
    const run = await runThrough((message, response) => {
      if (!message.params._meta) return void asks(response, message)
      response.setHeader('content-type', 'text/event-stream')
      end(response)
    })
    const answer = await run.ask()
    expect(run.results).toMatchObject([{ kind: 'failed', sent: true }])
    expect(answer.text).toContain('"id":1,"result"')
  })

  it('is asked for its price again without a payment, and the events of that go nowhere', async () => {
    const asked: (UnpaidAnswer | undefined)[] = []
    const flow: OnPaymentRequired = async (_request, _unpaid, _send, reask) => {
      asked.push(await reask(), await reask())
      return { kind: 'refuse', refusal: { code: 'tier_prohibited', detail: 'Told.' } }
    }
    let times = 0
    const run = await runThrough(
      (message, response) => (++times < 3 ? asks(response, message) : says(response, message.id, { content: [] })),
      { flow },
    )
    await run.ask()
    expect(asked).toMatchObject([{ status: 402 }, undefined])
    expect(new Set(run.messages.map(({ id }) => id)).size).toBe(3)
  })

  it('that no flow may pay for passes untouched', async () => {
    const upstream = await startUpstream((_, response) => void response.setHeader('content-type', 'application/json').end(CALL))
    const rig = await startProxy({ toolDialect: inMcp })
    const answer = await askThrough(rig.port, `${upstream.url}/mcp`, { method: 'POST', headers: HEADERS, body: CALL })
    expect(answer.text).toBe(CALL)
    expect(headerValue(upstream.heads[0] ?? [], 'accept-encoding')).toBe('gzip')
  })

  it('that is not paid for streams on behind its response', async () => {
    const body = `data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n: later\n\n`
    const run = await runThrough((_, response) => {
      response.setHeader('content-type', 'text/event-stream').write(body.slice(0, 50))
      setImmediate(() => response.end(body.slice(50)))
    })
    expect((await run.ask()).text).toBe(body)
    expect(run.requests).toEqual([])
  })

  it('whose agent is gone is not asked any further, and the proxy goes on', async () => {
    const arrived = Promise.withResolvers<void>()
    const gone = Promise.withResolvers<void>()
    const run = await runThrough((_, response) => {
      response.on('close', gone.resolve)
      arrived.resolve()
    })
    const client = connectRaw(run.rig.port)
    const head = `POST ${run.upstream.url}/mcp HTTP/1.1\r\nHost: x\r\n${authLine}Content-Type: application/json\r\nAccept: text/event-stream\r\n`
    client.socket.write(`${head}Content-Length: ${CALL.length}\r\n\r\n${CALL}`)
    await arrived.promise
    client.socket.destroy()
    await gone.promise
    expect(await run.rig.line()).toMatchObject({ outcome: 'aborted' })
  })
})
