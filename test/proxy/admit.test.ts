import type { IncomingMessage } from 'node:http'
import { describe, expect, it } from 'vitest'
import { refused } from '../../src/errors.ts'
import { type AdmitDeps, admit } from '../../src/proxy/admit.ts'
import type { Door } from '../../src/proxy/door.ts'
import { createReverseDoor } from '../../src/proxy/reverse-proxy.ts'
import type { Identify } from '../../src/session/identify.ts'
import { openSession } from './exchange-rig.ts'

/** A request as Node's parser hands it over; only what is read of it. */
function heard(method: string, url: string, rawHeaders: string[] = []): IncomingMessage {
  return { method, url, rawHeaders, httpVersion: '1.1', socket: { localAddress: '127.0.0.1' } } as unknown as IncomingMessage
}

const identified: Identify = async () => ({ kind: 'session', session: openSession() })
const deps = (changes: Partial<AdmitDeps> = {}): AdmitDeps => ({
  identify: identified,
  reverse: createReverseDoor({ routes: [{ prefix: '/w/', upstream: 'https://w.example/' }], hosts: [] }),
  paymentHeaders: new Set(['x-payment']),
  upgradeToHttps: ['*.secure.example'],
  ...changes,
})
const FORWARD: Door = { mode: 'forward' }

describe('admit', () => {
  it('what may go on has a session, a target and its hints', async () => {
    const admitted = await admit(deps(), heard('GET', 'http://a.example/x', ['Host', 'b', 'Purser-Task', 't']), FORWARD)
    expect(admitted).toMatchObject({
      kind: 'forward',
      session: { id: 'ses_1' },
      target: { url: 'http://a.example/x' },
      hints: { task: 't' },
    })
  })

  it.each([
    ['http://x.secure.example/', 'https://x.secure.example/'],
    ['http://x.secure.example:8080/', 'https://x.secure.example:8080/'],
    ['http://secure.example/', 'http://secure.example/'],
  ])('%s is asked as %s', async (url, asked) => {
    expect(await admit(deps(), heard('GET', url), FORWARD)).toMatchObject({ kind: 'forward', target: { url: asked } })
  })

  it('hands on the trace that a request belongs to, and counts the steps of its task', async () => {
    const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
    const taken: unknown[] = []
    const steps = {
      take: async (_: unknown, task: string | undefined) => {
        taken.push(task)
        return taken.length > 1 ? ({ code: 'step_budget_exceeded', detail: 'No.' } as const) : undefined
      },
    }
    const request = heard('GET', 'http://a.example/x', ['Purser-Task', 't', 'traceparent', `00-${trace}-00f067aa0ba902b7-01`])
    expect(await admit(deps({ steps }), request, FORWARD)).toMatchObject({ kind: 'forward', hints: { task: 't', trace } })
    expect(await admit(deps({ steps }), request, FORWARD)).toMatchObject({ kind: 'refused', refusal: { code: 'step_budget_exceeded' } })
    expect(taken).toEqual(['t', 't'])
  })

  it('where the steps cannot be counted, nothing goes on', async () => {
    const steps = { take: () => Promise.reject(refused('ledger_unavailable', 'The ledger is away.')) }
    expect(await admit(deps({ steps }), heard('GET', 'http://a.example/'), FORWARD)).toMatchObject({
      kind: 'refused',
      refusal: { code: 'ledger_unavailable' },
    })
  })

  it('judges the path of every request where the scope says so', async () => {
    const session = openSession({ scope: { enforce: 'all', paths: ['/v1/*'] } })
    const scoped = deps({ identify: async () => ({ kind: 'session', session }) })
    expect(await admit(scoped, heard('GET', 'http://a.example/v1/x?y=1'), FORWARD)).toMatchObject({ kind: 'forward' })
    expect(await admit(scoped, heard('GET', 'http://a.example/v2?y=/v1/'), FORWARD)).toMatchObject({ refusal: { code: 'out_of_scope' } })
  })

  it('inside a tunnel the credentials of CONNECT count', async () => {
    const seen: unknown[] = []
    const identify: Identify = async (headers, door) => {
      seen.push(headers, door)
      return identified(headers, door)
    }
    const origin = { scheme: 'https', host: 'a.example', port: 443 } as const
    const credentials = ['Proxy-Authorization', 'Basic abc']
    await admit(deps({ identify }), heard('GET', '/', ['Host', 'a.example', 'Proxy-Authorization', 'other']), {
      mode: 'intercept',
      origin,
      credentials,
    })
    expect(seen).toEqual([credentials, 'proxy'])
  })

  it('reverse routes identify at the reverse door', async () => {
    const doors: string[] = []
    const identify: Identify = (headers, door) => {
      doors.push(door)
      return identified(headers, door)
    }
    const admitted = await admit(deps({ identify }), heard('GET', '/w/now', ['Host', 'localhost']), { mode: 'reverse' })
    expect(admitted).toMatchObject({ kind: 'forward', target: { url: 'https://w.example/now' } })
    expect(doors).toEqual(['reverse'])
  })

  it.each([
    ['GET', 'http://purser.internal/v1/session', FORWARD, '/v1/session'],
    ['GET', '/.purser/v1/session?a=b', { mode: 'reverse' } as Door, '/v1/session?a=b'],
  ])('%s %s is the agent’s own door', async (method, url, door, path) => {
    expect(await admit(deps(), heard(method, url, ['Host', 'localhost']), door)).toMatchObject({
      kind: 'agent_door',
      path,
      session: { id: 'ses_1' },
    })
  })

  it.each([
    ['TRACE', 'http://a/', [], 'request_invalid'],
    ['CONNECT', 'a:443', [], 'request_invalid'],
    ['GET', 'http://a/', ['X-Payment', '1'], 'payment_header_forbidden'],
    ['GET', 'http://a/', ['Purser-Pay', 'yes'], 'request_invalid'],
    ['GET', 'gopher://a/', [], 'request_invalid'],
  ])('%s %s %j is refused: %s', async (method, url, headers, code) => {
    expect(await admit(deps(), heard(method, url, headers), FORWARD)).toMatchObject({ kind: 'refused', refusal: { code } })
  })

  it('nobody learns what is behind a door without a session', async () => {
    const identify: Identify = async () => ({ kind: 'refused', refusal: { code: 'session_required', detail: 'x' }, headers: ['X', '1'] })
    expect(await admit(deps({ identify }), heard('GET', 'http://purser.internal/'), FORWARD)).toMatchObject({
      refusal: { code: 'session_required' },
      headers: ['X', '1'],
    })
  })

  it('a ledger that cannot be read is a refusal, a fault is not swallowed', async () => {
    const unavailable = deps({ identify: () => Promise.reject(refused('ledger_unavailable', 'The disk is full.')) })
    expect(await admit(unavailable, heard('GET', 'http://a/'), FORWARD)).toMatchObject({
      kind: 'refused',
      refusal: { code: 'ledger_unavailable' },
    })
    await expect(admit(deps({ identify: () => Promise.reject(new Error('bug')) }), heard('GET', 'http://a/'), FORWARD)).rejects.toThrow(
      'bug',
    )
  })

  it.each([
    [{ hosts: ['a.example'], enforce: 'all' }, 'GET', undefined],
    [{ hosts: ['b.example'], enforce: 'all' }, 'GET', 'Host a.example'],
    [{ methods: ['GET'], enforce: 'all' }, 'POST', 'Method POST'],
    [{ tools: ['search'], enforce: 'all' }, 'GET', 'names no tool'],
    [{ hosts: ['b.example'] }, 'GET', undefined],
    [{ hosts: ['b.example'], enforce: 'payments' }, 'GET', undefined],
  ] as const)('scope %j lets %s pass, or says why not', async (scope, method, reason) => {
    const identify: Identify = async () => ({ kind: 'session', session: openSession({ scope }) })
    const admitted = await admit(deps({ identify }), heard(method, 'http://a.example/'), FORWARD)
    if (reason === undefined) expect(admitted.kind).toBe('forward')
    else
      expect(admitted).toMatchObject({
        kind: 'refused',
        refusal: { code: 'out_of_scope', detail: expect.stringContaining(reason), sessionId: 'ses_1' },
      })
  })
})
