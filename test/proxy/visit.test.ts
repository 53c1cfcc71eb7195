import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { Reply } from '../../src/proxy/reply.ts'
import { refuse, tell, type Visit } from '../../src/proxy/visit.ts'
import { type AgentAnswer, askThrough, hearEvents, openSession } from './exchange-rig.ts'

async function visited(work: (visit: Visit) => void | Promise<void>, method = 'GET'): Promise<AgentAnswer> {
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    const reply = new Reply(request, response)
    const unknown = { sessionId: undefined, traceparent: undefined }
    void work({ id: 'exc_1', started_ms: 2, ...unknown, request, reply, door: { mode: 'forward' }, line: {} })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return askThrough((server.address() as AddressInfo).port, 'http://a.example/', { method })
}

const clock = { now: () => 0, monotonic: () => 7 }
const refusal = { code: 'vetoed', detail: 'No.' } as const

describe('visit', () => {
  it('a refusal names the session, and answers HEAD without a body', async () => {
    const answer = await visited((visit) => void refuse(visit, { refusal, session: openSession() }))
    expect(JSON.parse(answer.text)).toMatchObject({ code: 'vetoed', sessionId: 'ses_1' })
    const head = await visited((visit) => void refuse(visit, { refusal }), 'HEAD')
    expect(head).toMatchObject({ status: 403, text: '' })
  })

  it('an answer that has begun is broken off instead', async () => {
    const broken = visited((visit) => {
      visit.reply.head(200, [])
      visit.reply.write(Buffer.from('half'))
      refuse(visit, { refusal })
    })
    await expect(broken).rejects.toThrow()
  })

  it('tells one line, with the fields of the payment flow', async () => {
    const events = hearEvents()
    await visited(async (visit) => {
      visit.line.paymentId = 'pay_1'
      const told = refuse(visit, { refusal, session: openSession() })
      await visit.reply.closed
      tell({ events, clock }, visit, told)
    })
    expect(await events.line()).toMatchObject({
      exchangeId: 'exc_1',
      outcome: 'refused',
      code: 'vetoed',
      status: 403,
      duration_ms: 5,
      sessionId: 'ses_1',
      agent: 'tester',
      extra: { paymentId: 'pay_1' },
    })
  })

  it('tells the trace that the agent is in', async () => {
    const events = hearEvents()
    const trace = '0af7651916cd43dd8448eb211c80319c'
    await visited(async (visit) => {
      visit.request.rawHeaders.push('Traceparent', `00-${trace}-b7ad6b7169203331-01`)
      const told = refuse(visit, { refusal })
      await visit.reply.closed
      tell({ events, clock }, visit, told)
    })
    expect(await events.line()).toMatchObject({ trace })
  })
})
