import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import type { Answer } from '../../src/http.ts'
import { type Listening, listen, mayRespond, messageIn } from '../../src/proxy/tool-answer.ts'

const RESPONSE = '{"jsonrpc":"2.0","id":7,"result":{}}'

function answerOf(type: string, chunks: readonly string[], status = 200): Answer {
  const body = Readable.from(
    chunks.map((chunk) => Buffer.from(chunk)),
    { objectMode: false },
  )
  return { status, statusText: '', headers: ['Content-Type', type], body, trailers: () => [] }
}

async function heard(type: string, chunks: readonly string[], changes: Partial<Listening> = {}) {
  const passed: string[] = []
  const answer = answerOf(type, chunks)
  const result = await listen(answer, {
    id: 7,
    max_bytes: 200,
    timeout_ms: 60_000,
    passOn: (raw) => void passed.push(raw.toString()),
    ...changes,
  })
  return { ...result, held: result.held.toString(), passed, answer }
}

describe('answers that may hold a response', () => {
  it.each([
    ['application/json; charset=utf-8', 200, true],
    ['Text/Event-Stream', 200, true],
    ['text/plain', 200, false],
    ['application/json', 202, false],
    ['application/json', 402, false],
  ])('%s with status %i: %s', (type, status, expected) => {
    expect(mayRespond(answerOf(type, [], status))).toBe(expected)
  })
})

describe('listening to JSON', () => {
  it('hears the response, and holds its bytes', async () => {
    expect(await heard('application/json', [RESPONSE.slice(0, 9), RESPONSE.slice(9)])).toMatchObject({
      response: RESPONSE,
      held: RESPONSE,
      whole: true,
    })
  })

  it.each([
    ['one with another id', RESPONSE.replace('7', '"7"')],
    ['a list', `[${RESPONSE}]`],
    ['a request', '{"jsonrpc":"2.0","id":7,"method":"ping"}'],
    ['no JSON', '<html>'],
  ])('hears nothing in %s', async (_, text) => {
    expect(await heard('application/json', [text])).toMatchObject({ response: undefined, held: text, whole: true })
  })

  it('does not look at more than the bound', async () => {
    const { response, whole, held } = await heard('application/json', [RESPONSE, ' '.repeat(300), ' '])
    expect([response, whole]).toEqual([undefined, false])
    expect(held.startsWith(RESPONSE)).toBe(true)
  })
})

describe('listening to events', () => {
  const event = (data: string) => `data: ${data}\n\n`

  it('passes on what comes before the response, in order, and holds the rest', async () => {
    const [one, two, after] = [event('{"method":"a"}'), ': ping\n\n', event('{"method":"b"}')]
    const { response, passed, held } = await heard('text/event-stream', [one + two.slice(0, 3), two.slice(3), event(RESPONSE) + after])
    expect(response).toBe(RESPONSE)
    expect(passed).toEqual([one, two])
    expect(held).toBe(event(RESPONSE) + after)
  })

  it('leaves what is not read yet in the body', async () => {
    const body = new Readable({ read: () => undefined })
    body.push(event(RESPONSE))
    const answer = { ...answerOf('text/event-stream', []), body }
    await listen(answer, { id: 7, max_bytes: 200, timeout_ms: 60_000, passOn: () => undefined })
    body.push('later')
    body.push(null)
    expect((await body.toArray()).join('')).toBe('later')
  })

  it('waits for whoever takes the events', async () => {
    const order: string[] = []
    const passOn = async (raw: Buffer) => {
      order.push(`begin ${raw}`)
      await new Promise((next) => setImmediate(next))
      order.push(`end ${raw}`)
    }
    await heard('text/event-stream', ['data: 1\n\ndata: 2\n\n'], { passOn })
    expect(order.map((step) => step.slice(0, 3))).toEqual(['beg', 'end', 'beg', 'end'])
  })

  it('ends with the stream, and with an event beyond the bound', async () => {
    expect(await heard('text/event-stream', [event('{}'), 'data: x'])).toMatchObject({ response: undefined, held: 'data: x', whole: true })
    const long = `data: ${'x'.repeat(300)}`
    expect(await heard('text/event-stream', [long, event('')])).toMatchObject({ response: undefined, held: long, whole: false })
  })

  it('gives up after its time', async () => {
    const answer = { ...answerOf('text/event-stream', []), body: new Readable({ read: () => undefined }) }
    await expect(listen(answer, { id: 7, max_bytes: 200, timeout_ms: 1, passOn: () => undefined })).rejects.toThrow('within the time')
  })

  it('rejects where the stream breaks off', async () => {
    const body = new Readable({ read: () => undefined })
    const listening = listen(
      { ...answerOf('text/event-stream', []), body },
      { id: 7, max_bytes: 9, timeout_ms: 60_000, passOn: () => undefined },
    )
    body.destroy(new Error('reset'))
    await expect(listening).rejects.toThrow('reset')
  })
})

it.each(['', '[]', 'null', '"x"'])('%j holds no message', (text) => {
  expect(messageIn(text)).toBeUndefined()
})
