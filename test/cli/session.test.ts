import { createServer } from 'node:http'
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
      ...['--host', '*.example.com', '--method', 'GET', '--category', 'search', '--label', 'team=x', '--single-use'],
    )
    expect(await purser.json('session', 'show', id)).toMatchObject({
      limits: {
        perPayment: '1.00',
        payments: 3,
        perRecipient: { '*': '2.00', 'api.example.com': '5.00' },
        perWindow: [{ max: '5.00', per: '10m' }],
      },
      scope: { hosts: ['*.example.com'], methods: ['GET'], categories: ['search'] },
      labels: { team: 'x' },
      singleUse: true,
    })
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
    expect(await purser.run('session', 'close', closed)).toMatchObject({ code: 0, out: expect.stringMatching(/State +closed/) })
    expect(await purser.run('session', 'revoke', revoked)).toMatchObject({ code: 0, out: expect.stringMatching(/State +revoked/) })
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
    expect(out).toContain('limits    {"perPayment":"1.00"}')
  })

  it('what the API refuses is a failure with its reason', async () => {
    const { code, err } = await purser.run('session', 'open', ...least, '--network', 'eip155:999999')
    expect(code).toBe(1)
    expect(err).toContain('eip155:999999')
  })
})
