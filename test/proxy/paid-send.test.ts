import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { headerValue } from '../../src/http.ts'
import type { OnPaymentRequired, SendResult } from '../../src/session/exchange.ts'
import { askThrough, startProxy, startRawUpstream, startUpstream } from './exchange-rig.ts'

interface Attempt {
  readonly beforeSend?: () => boolean
  readonly before?: () => Promise<void> | void
}

/** Sends once, tells the result, and refuses. */
function sendingOnce({ beforeSend, before }: Attempt = {}): { flow: OnPaymentRequired; results: SendResult[] } {
  const results: SendResult[] = []
  const flow: OnPaymentRequired = async (_request, _unpaid, send) => {
    await before?.()
    const result = await send({ set: ['X-Payment', 'canary-signature', 'X-Mine', 'edited'], ...(beforeSend && { beforeSend }) })
    results.push(result)
    if (result.kind === 'answer') result.answer.body.destroy()
    return { kind: 'refuse', refusal: { code: 'payment_unknown', detail: 'Told.' } }
  }
  return { flow, results }
}

/** As long as any payment takes: the connection of the unpaid attempt is free again. */
const afterwards = async () => {
  for (let turn = 0; turn < 5; turn++) await new Promise((next) => setImmediate(next))
}

const CHALLENGE = 'HTTP/1.1 402 Payment Required\r\nContent-Length: 2\r\n\r\n{}'

describe('paid send', () => {
  it.each([
    ['on the connection that is open', CHALLENGE],
    ['on a fresh connection', CHALLENGE.replace('\r\n', '\r\nConnection: close\r\n')],
  ])('when it is called off %s, not one byte has left', async (_, challenge) => {
    const received: string[] = []
    const upstream = await startRawUpstream((socket) =>
      socket.on('data', (chunk) => {
        received.push(chunk.toString('latin1'))
        socket.write(challenge)
        if (challenge.includes('close')) socket.end()
      }),
    )
    let asked = 0
    const { flow, results } = sendingOnce({
      before: afterwards,
      beforeSend: () => {
        asked++
        return false
      },
    })
    const rig = await startProxy({ onPaymentRequired: flow })
    await askThrough(rig.port, `${upstream.url}/`)
    expect(results).toMatchObject([{ kind: 'failed', sent: false }])
    expect(asked).toBe(1)
    await Promise.all(upstream.connections.map((socket) => socket.destroyed || once(socket, 'close')))
    expect(received).toHaveLength(1)
    expect(received.join()).not.toContain('canary-signature')
  })

  it('asks before the first byte, on a connection that is ready', async () => {
    const order: string[] = []
    const upstream = await startRawUpstream((socket) => {
      order.push('connected')
      socket.on('data', () => {
        order.push('bytes')
        socket.write(CHALLENGE)
      })
    })
    const { flow, results } = sendingOnce({ before: afterwards, beforeSend: () => order.push('asked') > 0 })
    const rig = await startProxy({ onPaymentRequired: flow })
    await askThrough(rig.port, `${upstream.url}/`)
    expect(order).toEqual(['connected', 'bytes', 'asked', 'bytes'])
    expect(results).toMatchObject([{ kind: 'answer', answer: { status: 402 } }])
  })

  it('edits replace headers of the same name and leave the others', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(402)
      response.end()
    })
    const { flow } = sendingOnce()
    const rig = await startProxy({ onPaymentRequired: flow })
    await askThrough(rig.port, `${upstream.url}/`, { headers: ['x-mine', 'original', 'X-Other', 'kept'] })
    const head = upstream.heads[1] ?? []
    expect([headerValue(head, 'x-payment'), headerValue(head, 'x-other')]).toEqual(['canary-signature', 'kept'])
    expect(head.filter((name) => name.toLowerCase() === 'x-mine')).toHaveLength(1)
    expect(headerValue(head, 'x-mine')).toBe('edited')
  })

  it('goes to the very address that asked for the payment, even if the name moves meanwhile', async () => {
    const challenging = await startUpstream((_, response) => {
      response.writeHead(402, { Connection: 'close' })
      response.end()
    })
    let address = '127.0.0.1'
    const { flow, results } = sendingOnce({
      before: async () => {
        address = '127.0.0.2'
        while (rig.connections() > 0) await afterwards()
      },
    })
    const rig = await startProxy({ onPaymentRequired: flow, resolve: async () => [{ address, family: 4 }] })
    await askThrough(rig.port, `http://moving.example:${challenging.port}/`)
    expect(results).toMatchObject([{ kind: 'answer' }])
    expect(challenging.targets).toHaveLength(2)
    const later = await askThrough(rig.port, `http://moving.example:${challenging.port}/`)
    expect(later.status).toBe(502)
  })

  it('a refused connection is told as unsent', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(402, { Connection: 'close' })
      response.end()
    })
    const { flow, results } = sendingOnce({
      before: async () => {
        upstream.server.closeAllConnections()
        await new Promise((done) => upstream.server.close(done))
      },
    })
    const rig = await startProxy({ onPaymentRequired: flow })
    await askThrough(rig.port, `${upstream.url}/`)
    expect(results).toMatchObject([{ kind: 'failed', sent: false, code: 'upstream_unreachable' }])
  })

  it('a connection that breaks after the request left is told as sent', async () => {
    let count = 0
    const upstream = await startRawUpstream((socket) =>
      socket.on('data', () => (count++ === 0 ? socket.write(CHALLENGE) : socket.destroy())),
    )
    const { flow, results } = sendingOnce()
    const rig = await startProxy({ onPaymentRequired: flow })
    await askThrough(rig.port, `${upstream.url}/`)
    expect(results).toMatchObject([{ kind: 'failed', sent: true, code: 'upstream_unreachable' }])
  })

  it('silence after the request left is told as sent, and as a timeout', async () => {
    let count = 0
    const upstream = await startRawUpstream((socket) => socket.on('data', () => count++ === 0 && socket.write(CHALLENGE)))
    const { flow, results } = sendingOnce()
    const rig = await startProxy({ onPaymentRequired: flow, limits: { upstream: { head_ms: 300 } } })
    await askThrough(rig.port, `${upstream.url}/`)
    expect(results).toMatchObject([{ kind: 'failed', sent: true, code: 'upstream_timeout' }])
  })

  it.each([
    ['from memory', 60_000],
    ['from the spool', 3_000_000],
  ])('sends the same body twice, byte for byte (%s)', async (_, size) => {
    const digests: string[] = []
    const upstream = await startUpstream((request, response) => {
      const hash = createHash('sha256')
      request.on('data', (chunk) => hash.update(chunk))
      request.on('end', () => {
        digests.push(hash.digest('hex'))
        response.writeHead(402)
        response.end()
      })
    })
    const { flow, results } = sendingOnce()
    const rig = await startProxy({ onPaymentRequired: flow })
    const body = Buffer.alloc(size, 'abcdefghijk')
    if (size > 65_536) await askThrough(rig.port, `${upstream.url}/`, { method: 'POST', body })
    const before = digests.length
    await askThrough(rig.port, `${upstream.url}/`, { method: 'POST', body })
    const digest = createHash('sha256').update(body).digest('hex')
    expect(digests.slice(before)).toEqual([digest, digest])
    expect(results.at(-1)).toMatchObject({ kind: 'answer' })
  })

  it('a body that was not kept is not sent again, and nothing of it leaves', async () => {
    const upstream = await startUpstream((request, response) => {
      request.resume().on('end', () => {
        response.writeHead(402)
        response.end()
      })
    })
    const { flow, results } = sendingOnce()
    const rig = await startProxy({ onPaymentRequired: flow })
    await askThrough(rig.port, `${upstream.url}/`, { method: 'POST', body: Buffer.alloc(100_000) })
    expect(results).toMatchObject([{ kind: 'failed', sent: false, code: 'body_too_large_to_replay' }])
    expect(upstream.targets).toHaveLength(1)
  })
})
