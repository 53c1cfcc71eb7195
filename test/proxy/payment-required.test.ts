import { once } from 'node:events'
import type { RequestListener } from 'node:http'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { headerValue, type RawHeaders } from '../../src/http.ts'
import type { Delivery, OnPaymentRequired, PaidRequest, Preempt, UnpaidAnswer } from '../../src/session/exchange.ts'
import {
  askThrough,
  authLine,
  connectRaw,
  exchangeRaw,
  problemOf,
  startProxy,
  startRawUpstream,
  startUpstream,
  testTls,
} from './exchange-rig.ts'

const PAYMENT = ['Payment-Signature', 'signed']

/** Pays whatever is asked; tells how its answers were delivered. */
function paying(extra: RawHeaders = []): {
  flow: OnPaymentRequired
  deliveries: Delivery[]
  seen: { request: PaidRequest; unpaid: UnpaidAnswer }[]
} {
  const deliveries: Delivery[] = []
  const seen: { request: PaidRequest; unpaid: UnpaidAnswer }[] = []
  const flow: OnPaymentRequired = async (request, unpaid, send) => {
    seen.push({ request, unpaid })
    const result = await send({ set: PAYMENT })
    if (result.kind === 'failed') {
      return {
        kind: 'refuse',
        refusal: { code: 'payment_unknown', detail: result.detail, moneyState: 'unknown', paymentId: 'pay_1', tier: 'autonomous' },
      }
    }
    request.line.paymentId = 'pay_1'
    return {
      kind: 'answer',
      answer: result.answer,
      headers: ['Purser-Payment', 'pay_1', ...extra],
      delivered: (delivery) => void deliveries.push(delivery),
    }
  }
  return { flow, deliveries, seen }
}

/** Costs money: 402 without the payment header, the resource with it. */
const paid: (resource: RequestListener) => RequestListener = (resource) => (request, response) => {
  request.resume().on('end', () => {
    if (request.headers['payment-signature'] === 'signed') return resource(request, response)
    response.writeHead(402, { 'Content-Type': 'application/json' })
    response.end('{"pay":"me"}')
  })
}

describe('payment required', () => {
  it('asks the same thing again with the payment, and streams the answer with the flow’s headers', async () => {
    const upstream = await startUpstream(
      paid((_, response) => {
        response.writeHead(200, 'Paid', { 'X-Answer': 'yes', 'Purser-Payment': 'forged', 'PAYMENT-RESPONSE': 'settled' })
        response.end('resource')
      }),
    )
    const { flow, deliveries, seen } = paying()
    const rig = await startProxy({ onPaymentRequired: flow })
    const answer = await askThrough(rig.port, `${upstream.url}/r?q=1`, {
      method: 'POST',
      body: 'hello',
      headers: ['X-Mine', '1', 'Purser-Task', 't'],
    })
    expect(answer).toMatchObject({ status: 200, statusText: 'Paid', text: 'resource' })
    expect(answer.rawHeaders).toEqual(expect.arrayContaining(['X-Answer', 'yes', 'PAYMENT-RESPONSE', 'settled', 'Purser-Payment', 'pay_1']))
    expect(answer.rawHeaders).not.toContain('forged')
    expect(upstream.targets).toEqual(['/r?q=1', '/r?q=1'])
    expect(upstream.heads[1]).toEqual(expect.arrayContaining(['X-Mine', '1', 'Payment-Signature', 'signed', 'content-length', '5']))
    expect(JSON.stringify(upstream.heads)).not.toMatch(/purser|proxy-auth/i)
    expect(await rig.line()).toMatchObject({ outcome: 'paid', status: 200, bytes: 8, extra: { paymentId: 'pay_1' } })
    expect(deliveries).toEqual([{ status: 200, bytes: 8, complete: true }])
    expect(seen[0]?.request).toMatchObject({
      method: 'POST',
      url: `${upstream.url}/r?q=1`,
      mode: 'forward',
      transport: 'opened-plain',
      hints: { task: 't', payNever: false },
    })
    expect(String(seen[0]?.unpaid.body)).toBe('{"pay":"me"}')
  })

  it('says how the unpaid attempt travelled', async () => {
    const tls = testTls()
    const handler = paid((_, response) => response.end())
    const [plain, secure] = [await startUpstream(handler), await startUpstream(handler, tls)]
    const { flow, seen } = paying()
    const rig = await startProxy({ onPaymentRequired: flow, ca: [tls.ca] })
    await askThrough(rig.port, `${plain.url}/`)
    await askThrough(rig.port, `${secure.url}/`)
    expect(seen.map(({ request }) => request.transport)).toEqual(['opened-plain', 'verified-tls'])
  })

  it('plain http outside of an opened network is told as plain, whatever the address', async () => {
    const upstream = await startUpstream(paid((_, response) => response.end()))
    const { flow, seen } = paying()
    const guard = { vet: async () => ({ kind: 'vetted', address: '127.0.0.1', family: 4, opened: false }) as const }
    const rig = await startProxy({ onPaymentRequired: flow, guard })
    await askThrough(rig.port, `${upstream.url}/`)
    expect(seen.map(({ request }) => request.transport)).toEqual(['plain'])
  })

  it.each([
    ['small', Buffer.from('no credits left'), 'identity'],
    ['compressed', gzipSync('no credits left'), 'gzip'],
    ['larger than what is read of a challenge', Buffer.alloc(300_000, 'a'), 'identity'],
  ])('a 402 that no protocol claims passes byte for byte (%s)', async (_, body, encoding) => {
    const upstream = await startUpstream((_request, response) => {
      response.writeHead(402, 'No Credits', { 'Content-Encoding': encoding, 'X-Why': 'empty' })
      response.write(body.subarray(0, 5))
      response.end(body.subarray(5))
    })
    const bodies: (string | undefined)[] = []
    const rig = await startProxy({
      onPaymentRequired: async (_request, unpaid) => {
        bodies.push(unpaid.body && Buffer.from(unpaid.body).toString())
        return { kind: 'pass' }
      },
    })
    const answer = await askThrough(rig.port, `${upstream.url}/`)
    expect(answer).toMatchObject({ status: 402, statusText: 'No Credits', headers: { 'x-why': 'empty', 'content-encoding': encoding } })
    expect(answer.body).toEqual(body)
    expect(bodies).toEqual([body.length > 65_536 ? undefined : 'no credits left'])
    expect(await rig.line()).toMatchObject({ outcome: 'passed', status: 402 })
  })

  it('every 402 passes where nobody pays', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(402)
      response.end('pay')
    })
    const rig = await startProxy()
    expect(await askThrough(rig.port, `${upstream.url}/`)).toMatchObject({ status: 402, text: 'pay' })
  })

  it('a bomb is not inflated: the flow sees no body, and the agent never sees the challenge', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(402, { 'Content-Encoding': 'gzip' })
      response.end(gzipSync(Buffer.alloc(20_000_000)))
    })
    const bodies: unknown[] = []
    const rig = await startProxy({
      onPaymentRequired: async (_, unpaid) => {
        bodies.push(unpaid.body)
        return { kind: 'refuse', refusal: { code: 'challenge_invalid', detail: 'Unreadable.' } }
      },
    })
    const answer = await askThrough(rig.port, `${upstream.url}/`)
    expect(bodies).toEqual([undefined])
    expect(problemOf(answer)).toMatchObject({ code: 'challenge_invalid', sessionId: 'ses_1' })
    expect(answer.headers).not.toHaveProperty('content-encoding')
  })

  it('an upstream that breaks off inside its 402 is an unreachable upstream, and nothing is asked of the flow', async () => {
    const upstream = await startRawUpstream((socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 402 Payment Required\r\nContent-Length: 10\r\n\r\nhal', () => socket.destroy())
      }),
    )
    const { flow, seen } = paying()
    const rig = await startProxy({ onPaymentRequired: flow })
    const answer = await askThrough(rig.port, `${upstream.url}/`)
    expect(problemOf(answer)).toMatchObject({ code: 'upstream_unreachable', moneyState: 'none' })
    expect(seen).toEqual([])
  })

  it('a refusal carries its facts in headers too', async () => {
    const upstream = await startUpstream((_, response) => {
      response.writeHead(402, { 'PAYMENT-REQUIRED': 'canary-challenge' })
      response.end('canary-body')
    })
    const rig = await startProxy({
      onPaymentRequired: async () => ({
        kind: 'refuse',
        refusal: { code: 'approval_pending', detail: 'Wait.', tier: 'supervised', paymentId: 'pay_9', moneyState: 'held', retryAfter_s: 2 },
        headers: ['Purser-Remaining', '1.00 USD'],
      }),
    })
    const answer = await askThrough(rig.port, `${upstream.url}/`)
    expect(answer).toMatchObject({
      status: 403,
      headers: {
        'purser-money': 'unknown',
        'purser-payment': 'pay_9',
        'purser-tier': 'supervised',
        'retry-after': '2',
        'purser-remaining': '1.00 USD',
      },
    })
    expect(JSON.stringify([answer.rawHeaders, answer.text])).not.toContain('canary')
  })

  it('the payment goes on to its end when the agent goes away, and the flow learns that nothing was delivered', async () => {
    const { promise: release, resolve } = Promise.withResolvers<void>()
    const upstream = await startUpstream(paid((_, response) => void release.then(() => response.end('late'))))
    const { flow, deliveries, seen } = paying()
    const rig = await startProxy({ onPaymentRequired: flow })
    const client = connectRaw(rig.port)
    client.socket.write(`GET ${upstream.url}/ HTTP/1.1\r\nHost: a\r\n${authLine}\r\n`)
    await once(upstream.server, 'request')
    await once(upstream.server, 'request')
    const signal = seen[0]?.request.signal
    const gone = new Promise((done) => signal?.addEventListener('abort', done))
    client.socket.destroy()
    await gone
    expect(rig.exchange.active()).toBe(1)
    resolve()
    expect(await rig.line()).toMatchObject({ outcome: 'paid', extra: { paymentId: 'pay_1' } })
    expect(deliveries).toEqual([{ status: 200, bytes: 0, complete: false }])
  })

  it('an agent that goes away in the middle of a paid answer leaves an incomplete delivery', async () => {
    const upstream = await startUpstream(paid((_, response) => void response.write('half')))
    const { flow, deliveries } = paying()
    const rig = await startProxy({ onPaymentRequired: flow })
    const client = connectRaw(rig.port)
    client.socket.write(`GET ${upstream.url}/ HTTP/1.1\r\nHost: a\r\n${authLine}\r\n`)
    await client.until(/half/)
    client.socket.destroy()
    await rig.line()
    expect(deliveries).toEqual([{ status: 200, bytes: 4, complete: false }])
  })

  it.each([
    ['that stays open', ''],
    ['that was to end with this answer', 'Connection: close\r\n'],
  ])('a connection %s and is reset right after a whole paid answer is told to the flow', async (_name, header) => {
    const upstream = await startUpstream(paid((_, response) => void response.end('whole')))
    const { flow, deliveries } = paying()
    const lost = Promise.withResolvers<void>()
    const rig = await startProxy({
      onPaymentRequired: async (...args) => {
        const outcome = await flow(...args)
        return outcome.kind === 'answer' ? { ...outcome, lost: lost.resolve } : outcome
      },
    })
    const client = connectRaw(rig.port)
    client.socket.write(`GET ${upstream.url}/ HTTP/1.1\r\nHost: a\r\n${header}${authLine}\r\n`)
    await client.until(/whole/)
    await rig.line()
    client.socket.resetAndDestroy()
    await lost.promise
    expect(deliveries).toEqual([{ status: 200, bytes: 5, complete: true }])
  })

  it('what comes on a connection after its last answer is not served', async () => {
    const upstream = await startUpstream((_, response) => void response.end('whole'))
    const pays = await startUpstream(paid((_, response) => void response.end('whole')))
    const rig = await startProxy({ onPaymentRequired: paying().flow })
    const client = connectRaw(rig.port)
    client.socket.write(`GET ${pays.url}/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${authLine}\r\n`)
    await client.until(/whole/)
    client.socket.write(`GET ${upstream.url}/ HTTP/1.1\r\nHost: a\r\n${authLine}\r\n`)
    await client.closed()
    expect(upstream.targets).toEqual([])
  })

  it('the exchange is over only when the flow has noted the delivery', async () => {
    const upstream = await startUpstream(paid((_, response) => void response.end('whole')))
    const { flow } = paying()
    const noted = Promise.withResolvers<void>()
    const rig = await startProxy({
      onPaymentRequired: async (...args) => {
        const outcome = await flow(...args)
        return outcome.kind === 'answer' ? { ...outcome, delivered: () => noted.promise } : outcome
      },
    })
    expect((await askThrough(rig.port, `${upstream.url}/`)).text).toBe('whole')
    expect(rig.exchange.active()).toBe(1)
    expect(rig.lines).toEqual([])
    noted.resolve()
    expect(await rig.line()).toMatchObject({ outcome: 'paid' })
  })

  it('a paid answer that breaks off is a broken answer and an incomplete delivery', async () => {
    const upstream = await startUpstream(
      paid((_, response) => {
        response.write('half')
        setImmediate(() => response.destroy())
      }),
    )
    const { flow, deliveries } = paying()
    const rig = await startProxy({ onPaymentRequired: flow })
    await expect(askThrough(rig.port, `${upstream.url}/`)).rejects.toThrow()
    await rig.line()
    expect(deliveries).toEqual([{ status: 200, bytes: 4, complete: false }])
  })

  it('a redirect after payment goes to the agent, and the payment to nobody else', async () => {
    const elsewhere = await startUpstream((_, response) => response.end('thanks'))
    const upstream = await startUpstream(
      paid((_, response) => {
        response.writeHead(307, { Location: `${elsewhere.url}/collect` })
        response.end()
      }),
    )
    const { flow } = paying()
    const rig = await startProxy({ onPaymentRequired: flow })
    expect(await askThrough(rig.port, `${upstream.url}/`)).toMatchObject({
      status: 307,
      headers: { location: `${elsewhere.url}/collect` },
    })
    expect(upstream.targets).toHaveLength(2)
    expect(elsewhere.targets).toEqual([])
  })

  it('an attempt whose answer never comes is told as sent', async () => {
    const upstream = await startUpstream(paid((request) => request.socket.destroy()))
    const { flow } = paying()
    const rig = await startProxy({ onPaymentRequired: flow })
    const answer = await askThrough(rig.port, `${upstream.url}/`)
    expect(problemOf(answer)).toMatchObject({ code: 'payment_unknown', moneyState: 'unknown' })
  })

  describe('asking again', () => {
    const page: RequestListener = (request, response) => {
      const html = headerValue(request.rawHeaders, 'accept') === 'text/html'
      response.writeHead(402, { 'Content-Type': html ? 'text/html' : 'application/json' })
      response.end(html ? '<p>Pay</p>' : '{"pay":"me"}')
    }
    const askAgain = (head: { headers: RawHeaders }) =>
      headerValue(head.headers, 'content-type') === 'text/html' ? ['Accept', 'application/json'] : undefined

    it('a page instead of a challenge: the flow sees what a program is told', async () => {
      const upstream = await startUpstream(page)
      const { flow, seen } = paying()
      const rig = await startProxy({ onPaymentRequired: flow, askAgain })
      await askThrough(rig.port, `${upstream.url}/`, { headers: ['Accept', 'text/html'] })
      expect(String(seen[0]?.unpaid.body)).toBe('{"pay":"me"}')
      expect(upstream.heads.map((head) => headerValue(head, 'accept'))).toEqual(['text/html', 'application/json', 'text/html'])
    })

    it('where nobody claims it, the first answer passes', async () => {
      const upstream = await startUpstream(page)
      const rig = await startProxy({ onPaymentRequired: async () => ({ kind: 'pass' }), askAgain })
      expect((await askThrough(rig.port, `${upstream.url}/`, { headers: ['Accept', 'text/html'] })).text).toBe('<p>Pay</p>')
    })

    it('where the second answer is no 402, the first one counts', async () => {
      const upstream = await startUpstream((request, response) => {
        if (request.headers.accept === 'text/html') return page(request, response)
        response.end('free')
      })
      const { flow, seen } = paying()
      const rig = await startProxy({ onPaymentRequired: flow, askAgain })
      await askThrough(rig.port, `${upstream.url}/`, { headers: ['Accept', 'text/html'] })
      expect(String(seen[0]?.unpaid.body)).toBe('<p>Pay</p>')
    })
  })
})

/** Expects every route to charge, and sends the payment with the first attempt unless told not to. */
function paysFirst(pays: (request: PaidRequest) => boolean = () => true): {
  preempt: Preempt
  deliveries: Delivery[]
  asked: PaidRequest[]
} {
  const deliveries: Delivery[] = []
  const asked: PaidRequest[] = []
  const preempt: Preempt = {
    expects: () => true,
    async pay(request, send) {
      asked.push(request)
      if (!pays(request)) return undefined
      const result = await send({ set: PAYMENT })
      if (result.kind === 'failed') return { kind: 'refuse', refusal: { code: 'payment_unknown', detail: result.detail } }
      return { ...result, headers: ['Purser-Payment', 'pay_1'], delivered: (delivery) => void deliveries.push(delivery) }
    },
  }
  return { preempt, deliveries, asked }
}

const echo: RequestListener = (request, response) => void request.pipe(response)

describe('paying with the first attempt', () => {
  it('sends the request once, with the payment, and tells of it like of any paid one', async () => {
    const upstream = await startUpstream(paid(echo))
    const { preempt, deliveries, asked } = paysFirst()
    const rig = await startProxy({ onPaymentRequired: paying().flow, preempt })
    const answer = await askThrough(rig.port, `${upstream.url}/r?q=1`, { method: 'POST', body: '' })
    expect(answer).toMatchObject({ status: 200 })
    expect(answer.rawHeaders).toEqual(expect.arrayContaining(['Purser-Payment', 'pay_1']))
    expect(upstream.targets).toEqual(['/r?q=1'])
    expect(await rig.line()).toMatchObject({ outcome: 'paid', status: 200 })
    expect(deliveries).toEqual([{ status: 200, bytes: 0, complete: true }])
    expect(asked[0]).toMatchObject({ method: 'POST', url: `${upstream.url}/r?q=1`, hints: { payNever: false } })
  })

  it('goes on unpaid, body and all, where the flow would rather not', async () => {
    const upstream = await startUpstream(echo)
    const { preempt, asked } = paysFirst(() => false)
    const rig = await startProxy({ onPaymentRequired: paying().flow, preempt })
    const answer = await askThrough(rig.port, `${upstream.url}/`, { method: 'POST', body: 'hello' })
    expect(answer).toMatchObject({ status: 200, text: 'hello' })
    expect(asked).toHaveLength(1)
    expect(upstream.heads).toHaveLength(1)
    expect(upstream.heads[0]).not.toContain('Payment-Signature')
    expect(upstream.heads[0]).toEqual(expect.arrayContaining(['content-length', '5']))
    expect(await rig.line()).toMatchObject({ outcome: 'passed' })
  })

  it('refuses as the flow says', async () => {
    const { preempt } = paysFirst()
    const upstream = await startRawUpstream((socket) => socket.once('data', () => socket.destroy()))
    const rig = await startProxy({ onPaymentRequired: paying().flow, preempt })
    const answer = await askThrough(rig.port, `${upstream.url}/`)
    expect(problemOf(answer)).toMatchObject({ code: 'payment_unknown' })
  })

  it.each<[string, { body: Buffer | string; headers: string[] }]>([
    ['a body that is too long to wait for', { body: Buffer.alloc(65_537, 'a'), headers: [] }],
    ['a body whose length is not told', { body: 'hello', headers: ['Transfer-Encoding', 'chunked'] }],
    ['an agent that asks first', { body: 'hello', headers: ['Expect', '100-continue'] }],
  ])('is not for %s', async (_name, { body, headers }) => {
    const upstream = await startUpstream(echo)
    const { preempt, asked } = paysFirst()
    const rig = await startProxy({ onPaymentRequired: paying().flow, preempt })
    const chunked = headers.includes('chunked')
    const answer = chunked
      ? await exchangeRaw(
          rig.port,
          `POST ${upstream.url}/ HTTP/1.1\r\nHost: ${new URL(upstream.url).host}\r\n${authLine}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
        )
      : await askThrough(rig.port, `${upstream.url}/`, { method: 'POST', body, headers })
    expect(answer).toBeDefined()
    expect(await rig.line()).toMatchObject({ outcome: 'passed' })
    expect(asked).toEqual([])
  })

  it('asks nothing of the upstream where the agent breaks its body off', async () => {
    const upstream = await startUpstream(echo)
    const { preempt, asked } = paysFirst()
    const rig = await startProxy({ onPaymentRequired: paying().flow, preempt })
    const { socket } = connectRaw(rig.port)
    socket.end(`POST ${upstream.url}/ HTTP/1.1\r\nHost: ${new URL(upstream.url).host}\r\n${authLine}Content-Length: 10\r\n\r\nhello`)
    expect(await rig.line()).toMatchObject({ outcome: 'aborted' })
    expect(asked).toEqual([])
    expect(upstream.targets).toEqual([])
  })
})
