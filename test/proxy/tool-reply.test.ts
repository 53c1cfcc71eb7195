import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { TOOL_FAILED } from '../../src/proxy/tool-reply.ts'
import { inMcp } from '../../src/rails/in-mcp.ts'
import type { OnPaymentRequired, PaidAnswer, PaymentOutcome } from '../../src/session/exchange.ts'
import { type AgentAnswer, askThrough, startProxy, startUpstream } from './exchange-rig.ts'

const CALL = '{"jsonrpc":"2.0","id":"mine","method":"tools/call","params":{"name":"weather"}}'
const HEADERS = ['Content-Type', 'application/json', 'Accept', 'application/json, text/event-stream']
const CHALLENGE = { isError: true, content: [], structuredContent: { x402Version: 2, accepts: [] } }
const PROGRESS = 'data: {"jsonrpc":"2.0","method":"notifications/progress"}\n\n'

/** Asks for a call whose challenge leads to this outcome. `began`: an event came before it. */
async function callFor(outcome: PaymentOutcome, began = false): Promise<AgentAnswer> {
  const challenge = JSON.stringify({ jsonrpc: '2.0', id: 'mine', result: CHALLENGE })
  const upstream = await startUpstream((_, response) => {
    response.setHeader('content-type', began ? 'text/event-stream' : 'application/json')
    response.end(began ? `${PROGRESS}data: ${challenge}\n\n` : challenge)
  })
  const onPaymentRequired: OnPaymentRequired = async () => outcome
  const rig = await startProxy({ onPaymentRequired, toolDialect: inMcp })
  return askThrough(rig.port, `${upstream.url}/mcp`, { method: 'POST', headers: HEADERS, body: CALL })
}

const json = ({ text }: AgentAnswer) => JSON.parse(text) as Record<string, unknown>

function paid(text: string, { status = 200, type = 'application/json' } = {}): PaidAnswer {
  const headers = ['Content-Type', type, 'X-Kept', '1']
  const answer = { status, statusText: '', headers, body: Readable.from([Buffer.from(text)], { objectMode: false }), trailers: () => [] }
  return { kind: 'answer', answer, headers: ['Purser-Payment', 'pay_1'], delivered: () => undefined }
}

describe('a refused call', () => {
  const refusal = { code: 'approval_pending', detail: 'It waits.', retryAfter_s: 4.2, paymentId: 'pay_1', moneyState: 'held' } as const

  it('is a result that says what happened, what the money did and what to do next', async () => {
    const answer = await callFor({ kind: 'refuse', refusal })
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({
      'content-type': 'application/json',
      'retry-after': '5',
      'purser-payment': 'pay_1',
      'purser-money': 'unknown',
    })
    const { id, result } = json(answer) as { id: string; result: { content: { text: string }[]; isError: boolean; _meta: object } }
    expect([id, result.isError]).toEqual(['mine', true])
    expect(result._meta).toMatchObject({ 'purser/problem': { code: 'approval_pending', paymentId: 'pay_1', sessionId: 'ses_1' } })
    expect(result.content[0]?.text).toMatch(/^approval_pending: .*It waits\. No money moved; it is set aside\. .*Ask again after 5 s\.$/)
  })

  it('is the last event where the stream had begun', async () => {
    const { text, headers } = await callFor({ kind: 'refuse', refusal }, true)
    expect(headers['content-type']).toBe('text/event-stream')
    expect(text.startsWith(PROGRESS)).toBe(true)
    expect(text.slice(PROGRESS.length)).toMatch(/^event: message\ndata: \{"jsonrpc":"2.0","id":"mine","result":.*"approval_pending".*\n\n$/)
  })
})

describe('a paid call', () => {
  it('has the agent’s id, whatever id it was answered under, and all else to the letter', async () => {
    const answer = await callFor(paid('{"jsonrpc":"2.0", "result":{"n":1.0,"id":"other"},"id":"exc_9.1"}'))
    expect(answer.text).toBe('{"jsonrpc":"2.0", "result":{"n":1.0,"id":"other"},"id":"mine"}')
    expect(answer.headers).toMatchObject({ 'purser-payment': 'pay_1', 'x-kept': '1', 'content-length': String(answer.body.length) })
  })

  it('is an event where the stream had begun', async () => {
    const { text } = await callFor(paid('{"jsonrpc":"2.0","id":1,"result":{}}'), true)
    expect(text).toBe(`${PROGRESS}event: message\ndata: {"jsonrpc":"2.0","id":"mine","result":{}}\n\n`)
  })

  it('that the tool failed is no failure of HTTP', async () => {
    const answer = await callFor(paid('{"jsonrpc":"2.0","id":1,"result":{"isError":true}}', { status: TOOL_FAILED }))
    expect([answer.status, json(answer).id]).toEqual([200, 'mine'])
  })

  it('that was answered by something else is told so in a stream, and gets it as it is elsewhere', async () => {
    const outcome = () => paid('<html>down</html>', { status: 503, type: 'text/html' })
    expect(await callFor(outcome())).toMatchObject({ status: 503, text: '<html>down</html>' })
    const { text } = await callFor(outcome(), true)
    expect(text).toContain('"id":"mine","error":{"code":-32000')
    expect(text).toContain('503')
  })
})

it('a challenge that no payment protocol claims passes byte for byte', async () => {
  const answer = await callFor({ kind: 'pass' })
  expect(json(answer)).toEqual({ jsonrpc: '2.0', id: 'mine', result: CHALLENGE })
})
