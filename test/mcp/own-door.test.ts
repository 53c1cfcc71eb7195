import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { z } from 'zod'
import { ADMIN_CALL_TIMEOUT_MS, MAX_ADMIN_ANSWER_BYTES } from '../../src/limits.ts'
import { createOwnDoor } from '../../src/mcp/own-door.ts'

const Answer = z.object({ ok: z.boolean() })

async function proxy(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return `http://ses_1:top%2Dsecret@127.0.0.1:${(server.address() as AddressInfo).port}`
}

const answering = (status: number, body: string) => proxy((_, response) => void response.writeHead(status).end(body))

it('asks the reserved host through the proxy, with the session’s credentials', async () => {
  const seen: unknown[] = []
  const url = await proxy(async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString()
    seen.push([request.method, request.url, request.headers['proxy-authorization'], request.headers.host, body])
    response.end('{"ok":true,"more":"than asked"}')
  })
  expect(await createOwnDoor(url).post('/v1/quote', { url: 'x' }, Answer)).toEqual({ ok: true })
  const credentials = `Basic ${Buffer.from('ses_1:top-secret').toString('base64')}`
  expect(seen).toEqual([['POST', 'http://purser.internal/v1/quote', credentials, 'purser.internal', '{"url":"x"}']])
})

describe('what goes wrong is said in words that help, without a credential', () => {
  it.each([
    ['a refusal', 403, '{"code":"session_expired","detail":"It has ended.","nextAction":"Ask."}', 'It has ended.', 'session_expired'],
    ['another program', 404, '<html>', 'What answers at the proxy’s address is not Purser (status 404).', undefined],
    ['another version', 200, '{"fine":1}', 'Purser answered something unexpected.', undefined],
  ])('%s', async (_name, status, body, message, code) => {
    const asking = createOwnDoor(await answering(status, body)).get('/v1/session', Answer)
    await expect(asking).rejects.toMatchObject({ name: 'DoorError', message, code, nextAction: expect.any(String) })
  })

  it('nobody there', async () => {
    const url = await answering(200, '')
    const gone = url.replace(/:\d+$/, ':1')
    const fault: unknown = await createOwnDoor(gone)
      .get('/v1/session', Answer)
      .catch((error: unknown) => error)
    expect(fault).toMatchObject({ message: 'Purser cannot be reached.', nextAction: expect.stringContaining('Try again later') })
    expect(String(fault)).not.toContain('secret')
  })

  it('an answer that breaks off', async () => {
    const url = await proxy((_, response) => void response.writeHead(200, { 'content-length': '100' }).write('{', () => response.destroy()))
    await expect(createOwnDoor(url).get('/v1/session', Answer)).rejects.toThrow('Purser cannot be reached.')
  })

  it('an answer without end is not read to its end', async () => {
    const piece = Buffer.alloc(1024 ** 2, 'x')
    const url = await proxy((_, response) => {
      let sent = 0
      const more = () => {
        while (!response.destroyed && sent < 2 * MAX_ADMIN_ANSWER_BYTES) {
          sent += piece.length
          if (!response.write(piece)) return void response.once('drain', more)
        }
        response.end()
      }
      more()
    })
    await expect(createOwnDoor(url).get('/v1/session', Answer)).rejects.toMatchObject({
      ...{ name: 'DoorError', message: 'The answer is too large.', nextAction: 'Ask for fewer at once.' },
    })
  })

  it('a proxy that says nothing is left after a while', async () => {
    const late = new AbortController()
    const bound = vi.spyOn(AbortSignal, 'timeout').mockReturnValue(late.signal)
    onTestFinished(() => bound.mockRestore())
    const url = await proxy(() => late.abort())
    await expect(createOwnDoor(url).get('/v1/session', Answer)).rejects.toThrow('Purser cannot be reached.')
    expect(bound.mock.calls).toEqual([[ADMIN_CALL_TIMEOUT_MS]])
  })
})

it.each(['', 'nonsense', 'http://127.0.0.1:4020', 'socks5://a:secret@b:1', 'http://a:%E0%A4@127.0.0.1:1'])(
  '%j is no way to a session',
  (url) => {
    expect(() => createOwnDoor(url)).toThrow('PURSER_PROXY is not the URL of a proxy with the credentials of a session.')
  },
)
