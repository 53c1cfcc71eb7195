import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { AdminUnreachable, createAdminClient } from '../../src/cli/admin-client.ts'
import { CliFailure } from '../../src/cli/failure.ts'
import { close, listen } from '../testnet/doors.ts'

const servers: Server[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map(close))
})

async function answering(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(handler)
  servers.push(server)
  return `http://127.0.0.1:${await listen(server)}`
}

const Anything = z.unknown()

describe('admin client', () => {
  it('sends the token, the body and the idempotency key', async () => {
    const seen: IncomingMessage['headers'][] = []
    const url = await answering((request, response) => {
      seen.push(request.headers)
      request.pipe(response.writeHead(201))
    })
    const answer = await createAdminClient({ url, token: 'secret' }).post(
      '/v1/sessions',
      { cap: '1' },
      z.object({ cap: z.string() }),
      'key-1',
    )
    expect(answer).toEqual({ cap: '1' })
    expect(seen).toMatchObject([{ authorization: 'Bearer secret', 'idempotency-key': 'key-1', 'content-type': 'application/json' }])
  })

  it('a refusal of the API becomes its detail and its advice', async () => {
    const url = await answering((_, response) => {
      response.writeHead(404).end(JSON.stringify({ code: 'not_found', detail: 'no session x', nextAction: 'Check the id.' }))
    })
    const failure = createAdminClient({ url, token: 't' }).get('/v1/sessions/x', Anything)
    await expect(failure).rejects.toMatchObject({ name: 'CliFailure', message: 'no session x', advice: 'Check the id.', exitCode: 1 })
  })

  it.each([
    [200, { ready: true, reasons: [] }],
    [503, { ready: false, reasons: ['Payments are halted.'] }],
  ])('whether payments can be made is an answer with status %s', async (status, answer) => {
    const url = await answering((_, response) => response.writeHead(status).end(JSON.stringify(answer)))
    expect(await createAdminClient({ url, token: 't' }).readiness()).toEqual(answer)
  })

  it('nothing that listens is told apart from everything else that fails', async () => {
    const url = await answering(() => {})
    await Promise.all(servers.splice(0).map(close))
    const failure = createAdminClient({ url, token: 't' }).get('/v1/wallet', Anything)
    await expect(failure).rejects.toBeInstanceOf(AdminUnreachable)
    await expect(failure).rejects.toThrow(`No Purser answers at ${url}.`)
  })

  it('a connection that breaks off is a failure, not an absent Purser', async () => {
    const url = await answering((request) => request.socket.destroy())
    const failure = createAdminClient({ url, token: 't' }).get('/', Anything)
    await expect(failure).rejects.toBeInstanceOf(CliFailure)
    await expect(failure).rejects.not.toBeInstanceOf(AdminUnreachable)
  })

  it('an answer of another server is not taken for Purser’s', async () => {
    const url = await answering((_, response) => void response.writeHead(404).end('<html>'))
    await expect(createAdminClient({ url, token: 't' }).get('/', Anything)).rejects.toThrow('is not Purser’s admin API')
  })

  it('an answer of another shape is refused with its place', async () => {
    const url = await answering((_, response) => void response.end('{"items":[{"id":7}]}'))
    const schema = z.object({ items: z.array(z.object({ id: z.string() })) })
    await expect(createAdminClient({ url, token: 't' }).get('/', schema)).rejects.toThrow('unexpected at items.0.id')
  })

  it('an interruption ends a call that waits', async () => {
    const stop = new AbortController()
    const url = await answering(() => stop.abort())
    const failure = createAdminClient({ url, token: 't', signal: stop.signal }).get('/', Anything)
    await expect(failure).rejects.toMatchObject({ name: 'AbortError' })
  })

  it('streams a body as it arrives', async () => {
    const url = await answering((_, response) => void response.end('a\nb\n'))
    const body = await createAdminClient({ url, token: 't' }).stream('/v1/receipts')
    expect(await body.toArray()).toEqual([Buffer.from('a\nb\n')])
  })
})
