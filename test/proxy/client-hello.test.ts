import { PassThrough } from 'node:stream'
import { describe, expect, it, vi } from 'vitest'
import { firstBytes, readFirstWords } from '../../src/proxy/client-hello.ts'

const NOTHING = Buffer.alloc(0)

describe('readFirstWords', () => {
  it.each([
    [Buffer.from([0x16, 3, 1]), 'tls'],
    [Buffer.from([0x16]), 'tls'],
    [Buffer.from('GET / HTTP/1.1\r\n'), 'http'],
    [Buffer.from('PRI * HTTP/2.0\r\n'), 'http'],
    [Buffer.from('CON'), 'http'],
    [Buffer.from('SSH-2.0-OpenSSH'), 'other'],
    [Buffer.from('get / HTTP/1.1'), 'other'],
    [Buffer.from([0x80, 0x2e, 1]), 'other'],
    [Buffer.from([0]), 'other'],
    [NOTHING, 'other'],
  ])('takes %j for %s', (bytes, words) => {
    expect(readFirstWords(bytes)).toBe(words)
  })
})

describe('firstBytes', () => {
  it('takes what came with the request, without touching the connection', async () => {
    const socket = new PassThrough()
    socket.write('later')
    expect(await firstBytes(socket, { head: Buffer.from('early'), timeout_ms: 1_000 })).toEqual(Buffer.from('early'))
    expect(socket.read()).toEqual(Buffer.from('later'))
  })

  it('waits for what comes, and leaves the rest where it is', async () => {
    const socket = new PassThrough()
    const first = firstBytes(socket, { head: NOTHING, timeout_ms: 1_000 })
    socket.write('one')
    expect(await first).toEqual(Buffer.from('one'))
    socket.write('two')
    expect(socket.read()).toEqual(Buffer.from('two'))
    expect(socket.listenerCount('readable') + socket.listenerCount('close')).toBe(new PassThrough().listenerCount('close'))
  })

  it.each(['end', 'destroy'] as const)('gives up where the connection %ss', async (how) => {
    const socket = new PassThrough()
    const first = firstBytes(socket, { head: NOTHING, timeout_ms: 60_000 })
    socket[how]()
    expect(await first).toBeUndefined()
  })

  it('gives up on a connection that is gone already', async () => {
    const socket = new PassThrough()
    socket.destroy()
    expect(await firstBytes(socket, { head: NOTHING, timeout_ms: 60_000 })).toBeUndefined()
  })

  it('gives up after its time', async () => {
    vi.useFakeTimers()
    try {
      const first = firstBytes(new PassThrough(), { head: NOTHING, timeout_ms: 20_000 })
      vi.advanceTimersByTime(20_000)
      expect(await first).toBeUndefined()
    } finally {
      vi.useRealTimers()
    }
  })
})
