import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import { json } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { close, listen } from '../testnet/doors.ts'
import { type RunningPurser, runHere, startPurser } from './running-purser.ts'

let purser: RunningPurser
beforeAll(async () => {
  purser = await startPurser()
})
afterAll(() => purser[Symbol.asyncDispose]())

const least = ['--agent', 'scout', '--purpose', 'a test', '--cap', '10.00', '--ttl', '1h']

async function opened(...more: string[]): Promise<string> {
  return String((await purser.json('session', 'open', ...least, ...more)).id)
}

describe('session', () => {
  it('open shows the token once, with the proxy’s address', async () => {
    const { code, out, err } = await purser.run('session', 'open', ...least)
    expect(code).toBe(0)
    expect(out).toMatch(/^Remaining: \$10\.00 of \$10\.00$/m)
    expect(out).toMatch(/^Token {4}\S{20,}$/m)
    expect(out).toMatch(/^Proxy {4}http:\/\/ses_\S+:\S+@127\.0\.0\.1:\d+\/?$/m)
    expect(err).toContain('shown this once')
  })

  it('every bound that the flags name is kept', async () => {
    const id = await opened(
      ...[
        '--per-payment',
        '1',
        '--max-payments',
        '3',
        '--per-recipient',
        '*=2',
        '--per-recipient',
        'api.example.com=5',
        '--per-window',
        '5/10m',
      ],
      ...[
        '--task-payments',
        '3',
        '--task-requests',
        '40',
        '--path',
        '/v1/*',
        '--path',
        '/health',
        '--enforce',
        'all',
        '--on-drift',
        'deny',
      ],
      ...['--host', '*.example.com', '--method', 'GET', '--category', 'search', '--label', 'team=x', '--single-use'],
    )
    expect(await purser.json('session', 'show', id)).toMatchObject({
      limits: {
        perPayment: '1.00',
        payments: 3,
        perRecipient: { '*': '2.00', 'api.example.com': '5.00' },
        perWindow: [{ max: '5.00', per: '10m' }],
        perTask: { payments: 3, requests: 40 },
      },
      scope: {
        ...{ hosts: ['*.example.com'], methods: ['GET'], paths: ['/v1/*', '/health'], categories: ['search'] },
        ...{ enforce: 'all', onDrift: 'deny' },
      },
      labels: { team: 'x' },
      singleUse: true,
    })
  })

  it.each([
    ['--enforce', 'some'],
    ['--on-drift', 'ignore'],
    ['--task-payments', 'few'],
  ])('%s %s is wrong usage, said before anything is opened', async (flag, value) => {
    expect(await purser.run('session', 'open', ...least, flag, value)).toMatchObject({ code: 2, err: expect.stringContaining(flag) })
  })

  it('a child takes from its parent what is not said, is listed with it, and cannot have more', async () => {
    const parent = await opened('--per-payment', '1')
    const child = await purser.json('session', 'open', '--cap', '2', '--ttl', '10m', '--parent', parent)
    expect(child).toMatchObject({ parent, agent: 'scout', purpose: 'a test', cap: '2.00', limits: { perPayment: '1.00' } })
    const { items } = await purser.json('session', 'list', '--parent', parent)
    expect(items).toEqual([expect.objectContaining({ id: child.id })])
    expect((await purser.run('session', 'show', String(child.id))).out).toContain(`Parent    ${parent}`)
    const wider = await purser.run('session', 'open', '--cap', '11', '--ttl', '10m', '--parent', parent)
    expect(wider).toMatchObject({ code: 1, err: expect.stringContaining('cap: 11.00 is more than the 10.00 that remain of the parent') })
  })

  it('a recurring budget is opened with its refill and says when the next one comes', async () => {
    const { code, out } = await purser.run('session', 'open', ...least, '--refill', '0.50/10m', '--refill-max', '2.00')
    expect([code, out]).toEqual([0, expect.stringMatching(/^Refill +\$0\.50 every 10m, up to \$2\.00 remaining; the next at 20\d\d-/m)])
  })

  it('the same idempotency key opens one session and tops it up once', async () => {
    const first = await opened('--idempotency-key', 'k-1')
    expect(await opened('--idempotency-key', 'k-1')).toBe(first)
    for (const _ of [1, 2]) await purser.run('session', 'topup', first, '5', '--idempotency-key', 'k-2')
    expect(await purser.json('session', 'show', first)).toMatchObject({ cap: '15.00' })
  })

  it('R12: open and topup always send an Idempotency-Key, a fresh one where none was given', async () => {
    const keys: unknown[] = []
    const server = createServer((request, response) => {
      keys.push(request.headers['idempotency-key'])
      response.writeHead(503).end()
    })
    const env = { PURSER_ADMIN_URL: `http://127.0.0.1:${await listen(server)}`, PURSER_ADMIN_TOKEN: 'token' }
    for (const argv of [
      ['open', ...least],
      ['topup', 'ses_1', '5'],
    ])
      expect((await runHere(['session', ...argv], env)).code).toBe(1)
    await close(server)
    expect(keys).toEqual([expect.stringMatching(/^\S{10,}$/), expect.stringMatching(/^\S{10,}$/)])
    expect(new Set(keys).size).toBe(2)
  })

  it('without a key every opening is one of its own', async () => {
    expect(await opened()).not.toBe(await opened())
  })

  it('topup adds to the cap and to the lifetime', async () => {
    const id = await opened()
    const before = Date.parse(String((await purser.json('session', 'show', id)).expiresAt))
    const after = await purser.json('session', 'topup', id, '2.50', '--extend', '1h')
    expect(after).toMatchObject({ cap: '12.50', remaining: '12.50' })
    expect(Date.parse(String(after.expiresAt)) - before).toBe(3_600_000)
  })

  it('close and revoke end it and show the balance', async () => {
    const [closed, revoked] = [await opened(), await opened()]
    const ended = await purser.run('session', 'close', closed)
    expect(ended).toMatchObject({ code: 0, out: expect.stringMatching(/State +closed/) })
    expect(ended.out).toContain('$10.00 were never spent, and nobody can spend them here any more.')
    expect(await purser.run('session', 'revoke', revoked)).toMatchObject({ code: 0, out: expect.stringMatching(/State +revoked/) })
  })

  it('an agent opens, lists and closes a child at its own door, through the proxy, and revoking its session ends the child', async () => {
    const parent = await purser.json('session', 'open', ...least)
    const spec = JSON.stringify({ cap: '1.00', ttl: '5m' })
    const door = async (who: Record<string, unknown>, method: 'GET' | 'POST', path: string, body?: string) => {
      const authorization = `Basic ${Buffer.from(`${who.id}:${who.token}`).toString('base64')}`
      const headers = { 'proxy-authorization': authorization, 'content-type': 'application/json' }
      const { hostname: host, port } = new URL(purser.app.proxyUrl)
      const asked = request({ host, port, method, path: `http://purser.internal${path}`, headers }).end(body)
      const [answer]: IncomingMessage[] = await once(asked, 'response')
      return { status: answer?.statusCode, body: answer ? await json(answer) : undefined } as {
        status: number
        body: Record<string, unknown>
      }
    }
    const { status, body: child } = await door(parent, 'POST', '/v1/session/children', spec)
    expect([status, child.parent, child.cap]).toEqual([201, parent.id, '1.00'])
    expect((await door(child, 'GET', '/v1/session')).body).toMatchObject({ id: child.id, parent: parent.id, remaining: '1.00' })
    expect((await door(child, 'POST', '/v1/session/children', JSON.stringify({ cap: '1.01', ttl: '1m' }))).status).toBe(400)
    expect((await door(parent, 'GET', '/v1/session/children')).body.items).toEqual([expect.objectContaining({ id: child.id })])
    expect((await door(parent, 'POST', `/v1/session/children/${child.id}/close`)).body).toMatchObject({ state: 'closed' })
    const second = (await door(parent, 'POST', '/v1/session/children', spec)).body
    await purser.run('session', 'revoke', String(parent.id))
    const refused = await door(second, 'GET', '/v1/session')
    expect([refused.status, refused.body.code]).toEqual([403, 'session_revoked'])
  })

  it('list shows sessions with their money and leads to the next page', async () => {
    const id = await opened()
    const { out, err } = await purser.run('session', 'list', '--limit', '1')
    expect(out).toMatch(/^SESSION +AGENT +STATE +CAP +SPENT +HELD +REMAINING +EXPIRES$/m)
    expect(err).toContain('More with --cursor ')
    const cursor = err.trim().split(' ').at(-1) ?? ''
    expect((await purser.run('session', 'list', '--limit', '1000', '--cursor', cursor)).code).toBe(0)
    expect((await purser.run('session', 'list', '--limit', '1000')).out).toContain(id)
  })

  it('show says what it is for and what bounds it', async () => {
    const { out } = await purser.run('session', 'show', await opened('--per-payment', '1'))
    expect(out).toContain('scout: a test')
    expect(out).toContain('Limits    {"perPayment":"1.00"}')
  })

  it('what the API refuses is a failure with its reason', async () => {
    const { code, err } = await purser.run('session', 'open', ...least, '--network', 'eip155:999999')
    expect(code).toBe(1)
    expect(err).toContain('eip155:999999')
  })
})
