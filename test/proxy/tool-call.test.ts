import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { mayBeCall, readToolCall, type ToolCall } from '../../src/proxy/tool-call.ts'

const MCP = ['Content-Type', 'application/json; charset=utf-8', 'Accept', 'application/json, text/event-stream', 'Content-Length', '10']

function callFrom(message: unknown): ToolCall {
  const read = readToolCall(Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)))
  if (read.kind !== 'call') throw new Error(read.kind)
  return read.call
}

const message = (id: unknown, params: object) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'weather', ...params } })

describe('bodies that may hold a call', () => {
  it.each([
    ['a POST of JSON that takes events', 'POST', MCP, true],
    ['one with a header of MCP', 'POST', [...MCP.slice(0, 2), ...MCP.slice(4), 'Mcp-Session-Id', 'x'], true],
    ['another method', 'PUT', MCP, false],
    ['one that takes no events', 'POST', [...MCP.slice(0, 2), ...MCP.slice(4)], false],
    ['another type', 'POST', ['Content-Type', 'text/plain', ...MCP.slice(2)], false],
    ['a coded one', 'POST', [...MCP, 'Content-Encoding', 'gzip'], false],
    ['one of unknown length', 'POST', MCP.slice(0, 4), false],
    ['one beyond the bound', 'POST', [...MCP.slice(0, 4), 'Content-Length', '101'], false],
  ] as const)('%s', (_, method, headers, expected) => {
    expect(mayBeCall(method, headers, 100)).toBe(expected)
  })
})

describe('a call of a tool', () => {
  it('is told by its method, with an id and params', () => {
    const call = callFrom(message('a', { arguments: {}, _meta: { progressToken: 1 } }))
    expect(call).toMatchObject({ id: '"a"', idValue: 'a', tool: 'weather', metaKeys: new Set(['progressToken']) })
  })

  it.each([
    '',
    'no json',
    '7',
    JSON.stringify([message(1, {})]),
    JSON.stringify({ ...message(1, {}), method: 'ping' }),
    JSON.stringify({ ...message(1, {}), id: null }),
    JSON.stringify({ ...message(1, {}), params: [] }),
    JSON.stringify({ jsonrpc: '2.0', id: 1, result: {} }),
  ])('%j is none', (text) => {
    expect(readToolCall(Buffer.from(text))).toEqual({ kind: 'other' })
  })

  it.each([
    ['an id twice', '{"id":1,"id":2,"method":"tools/call","params":{}}'],
    ['params twice', '{"id":1,"method":"tools/call","params":{},"params":{}}'],
    ['_meta twice', '{"id":1,"method":"tools/call","params":{"_meta":{"x402/payment":{}},"_meta":{}}}'],
    ['a member of _meta twice', '{"id":1,"method":"tools/call","params":{"_meta":{"a":{},"\\u0061":1}}}'],
    ['a _meta that is none', '{"id":1,"method":"tools/call","params":{"_meta":[]}}'],
  ])('that has %s is a fault: two readers could see two calls', (_, text) => {
    expect(readToolCall(Buffer.from(text)).kind).toBe('fault')
  })

  it('that is not UTF-8 is a fault', () => {
    const bytes = Buffer.concat([Buffer.from('{"id":1,"method":"tools/call","params":{"name":"'), Buffer.from([0xff]), Buffer.from('"}}')])
    expect(readToolCall(bytes).kind).toBe('fault')
  })

  it('buys the same whatever names the attempt, and something else with any other difference', () => {
    const base = callFrom(message(1, { arguments: { city: 'Lisbon' }, _meta: { progressToken: 1, traceparent: '00-a' } })).digest
    expect(callFrom(message('x', { arguments: { city: 'Lisbon' }, _meta: { progressToken: 'y', traceparent: '00-b' } })).digest).toBe(base)
    const others = [
      message(1, { arguments: { city: 'Porto' }, _meta: { progressToken: 1, traceparent: '00-a' } }),
      message(1, { arguments: { city: 'Lisbon' }, _meta: { progressToken: 1, traceparent: '00-a', tenant: 'b' } }),
      message(1, { name: 'forecast', arguments: { city: 'Lisbon' }, _meta: { progressToken: 1, traceparent: '00-a' } }),
    ]
    for (const other of others) expect(callFrom(other).digest).not.toBe(base)
  })

  it('again has another id and the payment, and all else as the agent wrote it, for any call', () => {
    const meta = fc.option(fc.dictionary(fc.string(), fc.jsonValue()), { nil: undefined })
    const id = fc.oneof(fc.string(), fc.integer())
    fc.assert(
      fc.property(id, fc.jsonValue(), meta, fc.constantFrom(undefined, 2), (own, args, _meta, space) => {
        fc.pre(_meta === undefined || !Object.hasOwn(_meta, 'x402/payment'))
        const sent = message(own, { arguments: args, ...(_meta && { _meta }) })
        const text = JSON.stringify(sent, null, space)
        const call = callFrom(text)
        const { id: fresh, params, ...rest } = JSON.parse(call.again('new', { key: 'x402/payment', text: '{"a":1}' }).toString())
        const { 'x402/payment': payment, ...kept } = params._meta
        const asSent = JSON.parse(text)
        expect([fresh, payment]).toEqual(['new', { a: 1 }])
        expect(JSON.stringify(kept)).toBe(JSON.stringify(asSent.params._meta ?? {}))
        expect(JSON.stringify(params.arguments)).toBe(JSON.stringify(asSent.params.arguments))
        expect(rest).toEqual({ jsonrpc: '2.0', method: 'tools/call' })
        expect(JSON.parse(call.again('new').toString())).toEqual({ ...asSent, id: 'new' })
      }),
    )
  })

  it('keeps numbers that a parser would round', () => {
    const call = callFrom('{"id":1,"method":"tools/call","params":{"arguments":{"n":12345678901234567890.10}}}')
    expect(call.again('x').toString()).toContain('12345678901234567890.10')
  })

  it.each([['a\nb'], ['x'.repeat(2_000)], [''], [7]])('has no tool for the records where its name is %j', (name) => {
    expect(callFrom(message(1, { name })).tool).toBeUndefined()
  })
})
