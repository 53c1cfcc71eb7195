import { describe, expect, it } from 'vitest'
import { createPassageLog, type Passage } from '../../src/proxy/passage.ts'
import type { ExchangeLine } from '../../src/telemetry/events.ts'
import { countingIds, testClock } from '../clock.ts'
import { session } from './connect-rig.ts'

function rig() {
  const lines: ExchangeLine[] = []
  const clock = testClock()
  const log = createPassageLog({ events: { exchangeEnded: (line) => void lines.push(line) }, clock, ids: countingIds() })
  const passage: Passage = { exchangeId: 'exc_7', target: { host: 'a.example', port: 443 }, credentials: [], startedAt_ms: 0 }
  return { lines, clock, log, passage }
}

describe('the line of a passage', () => {
  it('names the session, the target and the span', () => {
    const { lines, clock, log, passage } = rig()
    clock.advance(250)
    log.ended({ ...passage, session: session() }, { mode: 'tunnel', outcome: 'tunnelled', status: 200, bytes: 9 })
    expect(lines).toEqual([
      {
        exchangeId: 'exc_7',
        mode: 'tunnel',
        outcome: 'tunnelled',
        method: 'CONNECT',
        target: 'tcp://a.example:443',
        status: 200,
        bytes: 9,
        duration_ms: 250,
        sessionId: 'ses_1',
        agent: 'tester',
      },
    ])
  })

  it.each([
    [443, '/v1?key=secret', 'https://a.example/v1'],
    [8443, '/v1', 'https://a.example:8443/v1'],
    [443, 'http://b.example/x?y', 'https://a.example/'],
    [443, '', 'https://a.example/'],
  ])('of a request refused inside names port %i and path %j as %s, without the query', (port, path, target) => {
    const { lines, log, passage } = rig()
    const refused = { method: 'GET', path, status: 421, code: 'host_mismatch' } as const
    log.refusedInside({ ...passage, target: { host: 'a.example', port } }, refused)
    expect(lines).toMatchObject([
      { exchangeId: 'exc_000001', mode: 'intercept', outcome: 'refused', target, status: 421, code: 'host_mismatch' },
    ])
  })
})
