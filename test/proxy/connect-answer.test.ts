import { Duplex, PassThrough } from 'node:stream'
import { describe, expect, it, vi } from 'vitest'
import { LINGER_MS } from '../../src/limits.ts'
import { ESTABLISHED, refuseConnection, refuseUnreadable } from '../../src/proxy/connect-answer.ts'
import { readAll } from './connect-rig.ts'

describe('refuseConnection', () => {
  it('answers with a whole problem document and ends the connection', async () => {
    const socket = new PassThrough()
    expect(refuseConnection(socket, { code: 'destination_not_allowed', detail: 'Nö.' }, { mode: 'tunnel' })).toBe(403)
    const [head = '', body = ''] = (await readAll(socket)).split('\r\n\r\n')
    expect(head.split('\r\n')).toEqual(
      expect.arrayContaining([
        'HTTP/1.1 403 Forbidden',
        'Content-Type: application/problem+json',
        `Content-Length: ${body.length}`,
        'Cache-Control: no-store',
        'Purser-Money: none',
        'Connection: close',
      ]),
    )
    expect(JSON.parse(Buffer.from(body, 'latin1').toString('utf8'))).toMatchObject({
      code: 'destination_not_allowed',
      detail: 'Nö.',
      status: 403,
      moneyState: 'none',
    })
  })

  it('asks for credentials with each 407, and sets further headers', async () => {
    const socket = new PassThrough()
    refuseConnection(socket, { code: 'session_required', detail: 'No session.' }, { mode: 'tunnel', headers: ['X-More', '1'] })
    const text = await readAll(socket)
    expect(text).toContain('Proxy-Authenticate: Basic realm="purser"\r\n')
    expect(text).toContain('X-More: 1\r\n')
  })

  it('leaves a connection alone that is gone', () => {
    const socket = new PassThrough()
    socket.destroy()
    expect(refuseConnection(socket, { code: 'upstream_timeout', detail: 'Late.' }, { mode: 'tunnel' })).toBe(504)
  })

  it('holds no connection open for an agent that never closes it, and drops what it still sends', () => {
    vi.useFakeTimers()
    try {
      const socket = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done(), allowHalfOpen: true })
      refuseConnection(socket, { code: 'request_invalid', detail: 'No.' }, { mode: 'tunnel' })
      socket.push('more')
      vi.advanceTimersByTime(LINGER_MS - 1)
      expect(socket.destroyed).toBe(false)
      vi.advanceTimersByTime(1)
      expect(socket.destroyed).toBe(true)
    } finally {
      vi.useRealTimers()
    }
  })

  it('says yes in the words of RFC 9110', () => {
    expect(ESTABLISHED).toBe('HTTP/1.1 200 Connection Established\r\n\r\n')
  })
})

describe('refuseUnreadable', () => {
  it.each([
    ['HPE_HEADER_OVERFLOW', 431],
    ['ERR_HTTP_REQUEST_TIMEOUT', 408],
    ['HPE_INVALID_METHOD', 400],
  ])('answers once to bytes that fail with %s: %i', async (code, status) => {
    const socket = new PassThrough()
    refuseUnreadable(socket, Object.assign(new Error('parse'), { code }), { answering: false })
    expect(await readAll(socket)).toMatch(new RegExp(`^HTTP/1.1 ${status} [^]*"code":"request_invalid"`))
  })

  it('writes nothing into an answer that is under way', async () => {
    const socket = new PassThrough()
    refuseUnreadable(socket, new Error('parse'), { answering: true })
    expect(await readAll(socket)).toBe('')
    expect(socket.destroyed).toBe(true)
  })
})
