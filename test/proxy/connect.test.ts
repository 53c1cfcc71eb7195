import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { refused } from '../../src/errors.ts'
import { createAddressGuard } from '../../src/proxy/address-guard.ts'
import { createConnectHandler } from '../../src/proxy/connect.ts'
import type { InterceptRequest } from '../../src/proxy/intercept.ts'
import type { TunnelRequest } from '../../src/proxy/tunnel.ts'
import { countingIds, testClock } from '../clock.ts'
import { ask, identifyOne, type RigOptions, startRig, TOKEN, upstream } from './connect-rig.ts'

const LOOPBACK = { opened: ['127.0.0.0/8'] }

/** Asks once and returns what a refusal consists of. */
async function refusal(options: RigOptions, target: string, headers?: string[]) {
  const rig = await startRig(options)
  const answer = await ask(rig.port, target, headers ? { headers } : {})
  const problem = answer.status === 200 ? undefined : JSON.parse(await answer.body())
  return { rig, answer, problem, line: answer.status === 200 ? undefined : await rig.line() }
}

describe('CONNECT: what is asked', () => {
  it.each(['example.com', 'example.com:0', 'example.com:99999', 'a@example.com:443', '/path', 'http://example.com:443', '::1:443'])(
    'answers 400 to %s, which is no host and port',
    async (target) => {
      const { answer, problem, line } = await refusal({}, target)
      expect(answer.status).toBe(400)
      expect(problem).toMatchObject({ code: 'request_invalid', detail: expect.stringContaining('api.example.com:443') })
      expect(line).toMatchObject({ outcome: 'refused', status: 400, code: 'request_invalid' })
    },
  )
})

describe('CONNECT: who asks', () => {
  it.each([
    ['nobody', [], 'session_required'],
    ['a stranger', ['Proxy-Authorization: Basic c2VzXzE6d3Jvbmc='], 'session_invalid'],
  ])('answers 407 to %s, on intercepted hosts too, and connects nowhere', async (_who, headers, code) => {
    const far = await upstream()
    for (const [target, hosts] of [
      [`127.0.0.1:${far.port}`, []],
      [`localhost:${far.port}`, ['*']],
    ] as [string, string[]][]) {
      const options = { ...LOOPBACK, connectPorts: [far.port], intercept: { hosts, except: [] } }
      const { answer, problem, line } = await refusal(options, target, headers)
      expect(answer.status).toBe(407)
      expect(answer.headers).toMatchObject({ 'proxy-authenticate': 'Basic realm="purser"', connection: 'close' })
      expect(problem).toMatchObject({ code })
      expect(line).toMatchObject({ mode: 'tunnel', outcome: 'refused', status: 407, code })
    }
    expect(far.seen).toHaveLength(0)
  })

  it('passes what identification adds to its refusal', async () => {
    const identify = async () =>
      ({ kind: 'refused', refusal: { code: 'session_invalid', detail: 'No.' }, headers: ['X-Try', 'again'] }) as const
    const { answer } = await refusal({ identify }, 'a.example:443')
    expect(answer.headers).toMatchObject({ 'x-try': 'again', 'proxy-authenticate': 'Basic realm="purser"' })
  })

  it('refuses a revoked session its blind tunnels with 403, and connects nowhere', async () => {
    const far = await upstream()
    const identify = identifyOne({ refusal: { code: 'session_revoked', detail: 'Session ses_1 was revoked.', sessionId: 'ses_1' } })
    const { answer, problem } = await refusal({ ...LOOPBACK, identify, connectPorts: [far.port] }, `127.0.0.1:${far.port}`)
    expect(answer.status).toBe(403)
    expect(problem).toMatchObject({ code: 'session_revoked', sessionId: 'ses_1', nextAction: expect.stringContaining('Stop') })
    expect(far.seen).toHaveLength(0)
  })

  it('answers 503 where the ledger does not say who it is', async () => {
    const identify = () => Promise.reject(refused('ledger_unavailable', 'The ledger is closed.'))
    const { answer, problem, rig } = await refusal({ identify }, '8.8.8.8:443')
    expect(answer.status).toBe(503)
    expect(problem).toMatchObject({ code: 'ledger_unavailable' })
    expect(rig.faults).toEqual([])
  })

  it('answers 500 to a fault of ours, says nothing about it to the agent, and reports it', async () => {
    const fault = new Error('secret detail')
    const { answer, problem, rig } = await refusal({ identify: () => Promise.reject(fault) }, '8.8.8.8:443')
    expect(answer.status).toBe(500)
    expect(JSON.stringify(problem)).not.toContain('secret')
    expect(rig.faults).toEqual([fault])
    expect(rig.lines).toMatchObject([{ outcome: 'failed', code: 'internal_error' }])
  })
})

describe('CONNECT: where to', () => {
  it('allows no port but the listed ones, of all 65,535', async () => {
    const opened: number[] = []
    const codes = new Set<unknown>()
    const handler = createConnectHandler({
      identify: identifyOne(),
      guard: createAddressGuard({ opened: [], ownDoors: () => [] }),
      connectPorts: [443, 8443],
      intercept: { hosts: [], except: [] },
      reservedHost: 'purser.internal',
      interceptor: { accept: () => undefined },
      tunnels: { open: ({ passage }: TunnelRequest) => void opened.push(passage.target.port) },
      log: { ended: (_passage, end) => void codes.add(end.code), refusedInside: () => undefined },
      events: { faulted: () => undefined },
      clock: testClock(),
      ids: countingIds(),
    })
    for (let port = 1; port <= 65_535; port++) {
      const request = new IncomingMessage(new Socket())
      request.url = `93.184.216.34:${port}`
      request.rawHeaders = ['Proxy-Authorization', TOKEN]
      handler(request, new PassThrough(), Buffer.alloc(0))
      if (port % 1_000 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await new Promise((resolve) => setImmediate(resolve))
    expect(opened).toEqual([443, 8443])
    expect([...codes]).toEqual(['destination_not_allowed'])
  })

  it('says which ports are allowed', async () => {
    const { answer, problem } = await refusal({ connectPorts: [443, 8443] }, '93.184.216.34:22')
    expect(answer.status).toBe(403)
    expect(problem).toMatchObject({
      code: 'destination_not_allowed',
      detail: 'CONNECT to port 22 is not allowed; allowed are: 443, 8443.',
      nextAction: expect.stringContaining('proxy.connectPorts'),
      sessionId: 'ses_1',
    })
  })

  it.each([
    '127.0.0.1',
    'localhost',
    '2130706433',
    '0x7f.1',
    '0',
    '[::ffff:127.0.0.1]',
    '[::ffff:7f00:1]',
    '017700000001',
    '%31%32%37.0.0.1',
    '127.1.',
  ])('refuses %s with 403, and connects nowhere', async (host) => {
    const far = await upstream()
    const { answer, problem, line } = await refusal({ connectPorts: [far.port] }, `${host}:${far.port}`)
    expect(answer.status).toBe(403)
    expect(problem).toMatchObject({ code: 'destination_not_allowed', detail: expect.stringContaining('is not a public address') })
    expect(line).toMatchObject({ outcome: 'refused', code: 'destination_not_allowed' })
    expect(far.seen).toHaveLength(0)
  })

  it('refuses its own doors even in an opened network', async () => {
    const door = await upstream()
    const options = { ...LOOPBACK, connectPorts: [door.port], ownDoors: () => [{ address: '0.0.0.0', port: door.port }] }
    const { answer, problem } = await refusal(options, `127.0.0.1:${door.port}`)
    expect(answer.status).toBe(403)
    expect(problem).toMatchObject({ code: 'destination_not_allowed', detail: expect.stringContaining('own doors') })
    expect(door.seen).toHaveLength(0)
  })

  it('connects to the address that was vetted, whatever the name says a moment later', async () => {
    const far = await upstream()
    let asked = 0
    const resolve = async () => [{ address: asked++ === 0 ? '127.0.0.1' : '127.0.0.2', family: 4 }]
    const rig = await startRig({ opened: ['127.0.0.1/32'], connectPorts: [far.port], resolve })
    expect((await ask(rig.port, `rebind.example:${far.port}`)).status).toBe(200)
    expect(far.seen).toHaveLength(1)
    expect((await ask(rig.port, `rebind.example:${far.port}`)).status).toBe(403)
    expect(far.seen).toHaveLength(1)
    expect(asked).toBe(2)
  })

  it('answers 502 to a name without address', async () => {
    const { answer, problem, line } = await refusal({ resolve: () => Promise.reject(new Error('ENOTFOUND')) }, 'gone.example:443')
    expect(answer.status).toBe(502)
    expect(problem).toMatchObject({ code: 'upstream_unreachable', detail: 'gone.example could not be resolved.' })
    expect(line).toMatchObject({ outcome: 'failed', status: 502 })
  })

  it.each([
    [{ hosts: ['*.example.com'], enforce: 'all' }, 403],
    [{ hosts: ['127.0.0.1'], enforce: 'all' }, 200],
    [{ hosts: ['127.0.0.1'], methods: ['GET'], enforce: 'all' }, 403],
    [{ hosts: ['*.example.com'] }, 200],
  ] as const)('judges a blind tunnel by the scope %j: %i', async (scope, status) => {
    const far = await upstream()
    const { answer, problem } = await refusal(
      { ...LOOPBACK, identify: identifyOne({ scope }), connectPorts: [far.port] },
      `127.0.0.1:${far.port}`,
    )
    expect(answer.status).toBe(status)
    if (status === 403) expect(problem).toMatchObject({ code: 'out_of_scope' })
    expect(far.seen).toHaveLength(status === 200 ? 1 : 0)
  })
})

describe('CONNECT: interception or a blind tunnel', () => {
  async function way(target: string, intercept: { hosts: string[]; except: string[] }) {
    let taken: 'intercepted' | 'tunnelled' | 'refused' = 'refused'
    let bar: InterceptRequest['refusal']
    const handler = createConnectHandler({
      identify: identifyOne(),
      guard: createAddressGuard({ opened: [], ownDoors: () => [], resolve: async () => [{ address: '93.184.216.34', family: 4 }] }),
      connectPorts: [443, 8443],
      intercept,
      reservedHost: 'purser.internal',
      interceptor: {
        accept: ({ refusal: given, portRefusal }) => {
          taken = 'intercepted'
          bar = given ?? portRefusal
        },
      },
      tunnels: {
        open: () => {
          taken = 'tunnelled'
        },
      },
      log: { ended: () => undefined, refusedInside: () => undefined },
      events: { faulted: () => undefined },
      clock: testClock(),
      ids: countingIds(),
    })
    const request = new IncomingMessage(new Socket())
    request.url = target
    request.rawHeaders = ['Proxy-Authorization', TOKEN]
    handler(request, new PassThrough(), Buffer.alloc(0))
    await new Promise((resolve) => setImmediate(resolve))
    return { taken, bar }
  }

  it.each([
    ['a.example.com:443', ['*'], [], 'intercepted'],
    ['A.Example.COM.:443', ['a.example.com'], [], 'intercepted'],
    ['b.a.example.com:443', ['*.example.com'], [], 'intercepted'],
    ['example.com:443', ['*.example.com'], [], 'tunnelled'],
    ['a.example.com:443', ['a.example.com:8443'], [], 'tunnelled'],
    ['a.example.com:8443', ['a.example.com:8443'], [], 'intercepted'],
    ['a.example.com:443', ['*'], ['a.example.com'], 'tunnelled'],
    ['a.example.com:443', ['a.example.com'], ['*.example.com'], 'tunnelled'],
    ['a.example.com:443', [], [], 'tunnelled'],
    ['93.184.216.34:443', ['*'], [], 'tunnelled'],
    ['0x5db8d822:443', ['*', '93.184.216.34'], [], 'tunnelled'],
    ['[2606:4700::1111]:443', ['*'], [], 'tunnelled'],
    ['purser.internal:443', [], ['*'], 'intercepted'],
    ['PURSER.internal.:443', [], [], 'intercepted'],
    ['x.purser.internal:443', [], [], 'refused'],
  ])('%s with hosts %j except %j is %s', async (target, hosts, except, expected) => {
    expect(await way(target, { hosts, except })).toEqual({ taken: expected, bar: undefined })
  })

  it('accepts a forbidden port on an intercepted host, to refuse it inside', async () => {
    expect(await way('a.example.com:22', { hosts: ['*'], except: [] })).toMatchObject({
      taken: 'intercepted',
      bar: { code: 'destination_not_allowed', detail: 'CONNECT to port 22 is not allowed; allowed are: 443, 8443.' },
    })
  })
})
