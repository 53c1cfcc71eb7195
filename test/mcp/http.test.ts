import { expect, it, onTestFinished } from 'vitest'
import { createMcpHandler, startMcpHttp } from '../../src/mcp/http.ts'
import { createMcpServer } from '../../src/mcp/server.ts'
import { BALANCE, doorAnswering } from './door.ts'

const TOKEN = 'mcp_of-the-listener-of-this-test'
const server = () => createMcpServer({ door: doorAnswering({ 'GET /v1/session': [BALANCE] }), version: '1.0.0', faulted: () => undefined })
const handle = createMcpHandler({ server, token: TOKEN })

const PING = { jsonrpc: '2.0', id: 1, method: 'ping' }
const HEADERS = {
  host: 'localhost:4022',
  authorization: `Bearer ${TOKEN}`,
  'content-type': 'application/json',
  accept: 'application/json, text/event-stream',
}

function ask(
  headers: Record<string, string> = {},
  { path = '/mcp', method = 'POST', body = JSON.stringify(PING) } = {},
): Promise<Response> {
  const hasBody = method === 'POST'
  return handle(new Request(`http://localhost:4022${path}`, { method, headers: { ...HEADERS, ...headers }, ...(hasBody && { body }) }))
}

it('serves one request by itself', async () => {
  const answer = await ask()
  expect([answer.status, await answer.json()]).toEqual([200, { jsonrpc: '2.0', id: 1, result: {} }])
})

it.each([
  ['no token', { authorization: '' }, 401, 'Send Authorization: Bearer'],
  ['another token', { authorization: `Bearer ${TOKEN}x` }, 401, 'Send Authorization: Bearer'],
  ['a rebound name', { host: 'evil.example:4022' }, 421, 'does not name this listener'],
  ['a name that only begins like ours', { host: '127.0.0.1.evil.example' }, 421, 'does not name this listener'],
  ['a page of another site', { origin: 'https://evil.example' }, 403, 'Pages of other sites'],
  ['a page of another port', { origin: 'http://localhost:9999' }, 403, 'Pages of other sites'],
  ['a page of nowhere', { origin: 'null' }, 403, 'Pages of other sites'],
])('%s is refused before anything is read', async (_name, headers, status, said) => {
  const answer = await ask(headers)
  expect([answer.status, await answer.text()]).toEqual([status, expect.stringContaining(said)])
})

it('has one path and one method', async () => {
  expect((await ask({}, { path: '/' })).status).toBe(404)
  const other = await ask({}, { method: 'GET' })
  expect([other.status, other.headers.get('allow')]).toEqual([405, 'POST'])
})

it('a body beyond the bound is refused', async () => {
  const body = JSON.stringify({ ...PING, params: { text: 'x'.repeat(2 * 1024 * 1024) } })
  expect((await ask({}, { body })).status).toBe(413)
})

it('listens where it is told, and says where that is', async () => {
  const running = await startMcpHttp({ server, token: TOKEN, listen: { host: '127.0.0.1', port: 0 } })
  onTestFinished(() => running[Symbol.asyncDispose]())
  expect(running.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/mcp$/)
  const { host: _, ...headers } = HEADERS
  expect((await fetch(running.url, { method: 'POST', headers, body: JSON.stringify(PING) })).status).toBe(200)
})
