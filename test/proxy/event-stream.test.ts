import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventSplitter, eventOf } from '../../src/proxy/event-stream.ts'

const pieces = fc.array(fc.constantFrom('\n', '\r', '\r\n', 'data: a', 'data:', 'event: x', ': ping', 'ü', '\uFEFF', 'id: 7'), {
  maxLength: 30,
})

describe('events of a stream', () => {
  it('are the same however the bytes are cut, and no byte is lost', () => {
    fc.assert(
      fc.property(pieces, fc.array(fc.nat(40), { maxLength: 8 }), (parts, cuts) => {
        const bytes = Buffer.from(parts.join(''))
        const whole = new EventSplitter()
        const cut = new EventSplitter()
        const places = [...cuts.map((at) => Math.min(at, bytes.length)), bytes.length].sort((a, b) => a - b)
        const events = places.flatMap((end, at) => cut.push(bytes.subarray(places[at - 1] ?? 0, end)))
        expect(events).toEqual(whole.push(bytes))
        expect(Buffer.concat([...events.map(({ raw }) => raw), cut.pending])).toEqual(bytes)
      }),
    )
  })

  it.each([
    ['data: {"a":1}\n\n', '{"a":1}'],
    ['event: message\r\ndata: {"a":\r\ndata: 1}\r\n\r\n', '{"a":\n1}'],
    ['\uFEFFdata:x\r\ry', 'x'],
    ['event: other\ndata: x\n\n', undefined],
    [': a comment\n\n', undefined],
    ['id: 1\ndata\n\n', ''],
  ])('%j says %j', (text, data) => {
    expect(new EventSplitter().push(Buffer.from(text))[0]?.data).toBe(data)
  })

  it('an event of ours is read as what it was made of, line breaks as line feeds', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const [event, ...more] = new EventSplitter().push(eventOf(text))
        expect(event?.data).toBe(text.replace(/\r\n|\r/g, '\n'))
        expect(more).toEqual([])
      }),
    )
  })
})
