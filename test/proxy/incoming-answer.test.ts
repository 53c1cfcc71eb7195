import { EventEmitter, once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { discard } from '../../src/http.ts'
import { createAddressGuard } from '../../src/proxy/address-guard.ts'
import { ask, rawStrings } from '../../src/proxy/incoming-answer.ts'
import { readUrl } from '../../src/proxy/target.ts'
import { createUpstream } from '../../src/proxy/upstream.ts'
import { hearEvents, startRawUpstream } from './exchange-rig.ts'
import { untilStill } from './still.ts'

function asking(url: string, head_ms = 5_000) {
  const target = readUrl(url)
  if (target.kind === 'fault') throw new Error(target.detail)
  const guard = createAddressGuard({ opened: ['127.0.0.0/8'], ownDoors: () => [] })
  const lane = createUpstream({ guard, events: hearEvents(), clock: systemClock, ca: [], limits: { head_ms } }).lane(target.origin)
  return (beforeSend?: () => boolean) =>
    ask(lane, { target, method: 'GET', headers: ['Host', target.authority], body: null }, { beforeSend })
}

describe('incoming answer', () => {
  it('is a head at once, and a body with trailers behind it', async () => {
    const upstream = await startRawUpstream((socket) =>
      socket.once('data', () => {
        socket.write(
          'HTTP/1.1 103 Early\r\n\r\nHTTP/1.1 200 Fine\r\nX-A: caf\xe9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n',
          'latin1',
        )
        setImmediate(() => socket.write('0\r\nX-Sum: 1\r\n\r\n'))
      }),
    )
    const asked = await asking(`${upstream.url}/`)()
    if (asked.kind === 'failed') throw asked.fault
    expect(asked.answer).toMatchObject({ status: 200, statusText: 'Fine', headers: ['X-A', 'caf\xe9', 'Transfer-Encoding', 'chunked'] })
    expect(String(await buffer(asked.answer.body))).toBe('hi')
    expect(asked.answer.trailers()).toEqual(['X-Sum', '1'])
  })

  it('is read only as fast as somebody reads it', async () => {
    let sent = 0
    const upstream = await startRawUpstream((socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        const more = () => {
          while (sent < 400) {
            sent++
            if (!socket.write(Buffer.alloc(64 * 1024))) return
          }
        }
        socket.on('drain', more)
        more()
      }),
    )
    const asked = await asking(`${upstream.url}/`)()
    await untilStill(() => sent)
    expect(sent).toBeLessThan(300)
    if (asked.kind === 'answer') asked.answer.body.destroy()
  })

  it('what is here whole by the time that somebody looks is its bytes, with the trailers, and needs no stream', async () => {
    const upstream = await startRawUpstream((socket) =>
      socket.once('data', () =>
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3\r\n yo\r\n0\r\nX-Sum: 1\r\n\r\n'),
      ),
    )
    const asked = await asking(`${upstream.url}/`)()
    if (asked.kind === 'failed') throw asked.fault
    const { answer } = asked
    expect(String(answer.arrived?.())).toBe('hi yo')
    expect(answer.trailers()).toEqual(['X-Sum', '1'])
    expect(String(await buffer(answer.body))).toBe('hi yo')
    expect(answer.arrived?.()).toBeUndefined()
  })

  it('what has not ended yet, or broke off, has not arrived', async () => {
    const upstream = await startRawUpstream((socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhi')),
    )
    const asked = await asking(`${upstream.url}/`)()
    if (asked.kind === 'failed') throw asked.fault
    const { answer } = asked
    expect(answer.arrived?.()).toBeUndefined()
    const ended = once(upstream.connections[0] ?? new EventEmitter(), 'close')
    upstream.connections[0]?.end()
    await ended
    expect(answer.arrived?.()).toBeUndefined()
    await expect(buffer(answer.body)).rejects.toMatchObject({ refusalCode: 'upstream_unreachable' })
  })

  it('an answer that nobody reads on is broken off where it has not ended, and its connection stays where it has', async () => {
    const upstream = await startRawUpstream((socket) =>
      socket.on('data', (asked) => {
        const length = String(asked).startsWith('GET /whole') ? 2 : 9
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\nhi`)
      }),
    )
    const whole = await asking(`${upstream.url}/whole`)()
    const half = await asking(`${upstream.url}/half`)()
    if (whole.kind === 'failed' || half.kind === 'failed') throw new Error('no answer came')
    const gone = once(upstream.connections[1] ?? new EventEmitter(), 'close')
    discard(whole.answer)
    discard(half.answer)
    await gone
    expect(upstream.connections[0]?.destroyed).toBe(false)
  })

  it('whoever destroys the body ends the connection', async () => {
    const upstream = await startRawUpstream((socket) =>
      socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi')),
    )
    const asked = await asking(`${upstream.url}/`)()
    if (asked.kind === 'failed') throw asked.fault
    const gone = new Promise((resolve) => upstream.connections[0]?.once('close', resolve))
    asked.answer.body.destroy()
    await gone
  })

  it('a body that breaks off is an error with our words', async () => {
    const upstream = await startRawUpstream((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi')),
    )
    const asked = await asking(`${upstream.url}/`)()
    if (asked.kind === 'failed') throw asked.fault
    await expect(buffer(asked.answer.body)).rejects.toMatchObject({ refusalCode: 'upstream_unreachable' })
  })

  it('tells whether anything was sent', async () => {
    expect(await asking('http://127.0.0.1:1/')()).toMatchObject({
      kind: 'failed',
      sent: false,
      fault: { refusalCode: 'upstream_unreachable' },
    })
    const mute = await startRawUpstream((socket) => socket.once('data', () => socket.destroy()))
    expect(await asking(`${mute.url}/`)()).toMatchObject({ kind: 'failed', sent: true })
    expect(await asking(`${mute.url}/`)(() => false)).toMatchObject({ kind: 'failed', sent: false })
    const failing = asking(`${mute.url}/`)(() => {
      throw new Error('bug')
    })
    expect(await failing).toMatchObject({ kind: 'failed', sent: false })
  })

  it('head bytes are Latin-1', () => {
    expect(rawStrings([Buffer.from([0xe9])])).toEqual(['\xe9'])
    expect(rawStrings(['b'])).toEqual(['b'])
    expect(rawStrings(null)).toEqual([])
  })
})
