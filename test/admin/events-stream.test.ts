import { describe, expect, it, onTestFinished, vi } from 'vitest'
import type { EventFeed, Listener } from '../../src/admin/event-feed.ts'
import { streamOf } from '../../src/admin/events-stream.ts'
import { EVENT_HEARTBEAT_MS, EVENT_STREAM_MS, MAX_KEPT_EVENTS, MAX_QUEUED_EVENTS } from '../../src/limits.ts'
import { ADMIN_TOKEN, expectProblem, startFixture } from './fixture.ts'

function feedAtHand() {
  const listeners = new Set<Listener>()
  const joined: (string | undefined)[] = []
  const feed: EventFeed = {
    join(listener, after) {
      joined.push(after)
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    stop: () => {},
  }
  return { feed, joined, listeners }
}

const text = async (reader: ReadableStreamDefaultReader<Uint8Array>) => new TextDecoder().decode((await reader.read()).value)

describe('GET /v1/events', () => {
  it('sends events with their ids as server-sent events, to whoever may read', async () => {
    await using fixture = await startFixture()
    await expectProblem(await fixture.ask('/v1/events', { token: null }), 'unauthorized', 401)
    const token = await fixture.token('auditor')
    const answer = await fixture.ask('/v1/events', { token })
    expect([answer.status, answer.headers.get('content-type'), answer.headers.get('cache-control')]).toEqual([
      200,
      'text/event-stream',
      'no-store',
    ])
    const reader = answer.body?.getReader()
    if (!reader) throw new Error('no stream')
    expect(await text(reader)).toBe('retry: 1000\n\n')
    await fixture.ledger.halt({ scope: 'all', value: '', reason: '', at: 0 })
    expect(await text(reader)).toMatch(/^id: feed_\S+\.1\nevent: halts\ndata: \{\}\n\n$/)
    await reader.cancel()
  })

  it('goes on behind Last-Event-ID', async () => {
    await using fixture = await startFixture()
    const answer = await fixture.ask('/v1/events', { headers: { 'last-event-id': 'feed_gone.7' } })
    const reader = answer.body?.getReader()
    if (!reader) throw new Error('no stream')
    await text(reader)
    expect(await text(reader)).toContain('event: reset')
    await reader.cancel()
  })

  it('who goes leaves the feed; who does not keep up is let go after what waits', async () => {
    const { feed, listeners, joined } = feedAtHand()
    await streamOf(feed, { after: 'x' }).cancel()
    expect([listeners.size, joined]).toEqual([0, ['x']])
    const reader = streamOf(feed).getReader()
    const [slow] = listeners
    for (let number = 0; number <= MAX_KEPT_EVENTS + MAX_QUEUED_EVENTS; number++)
      slow?.deliver({ id: `${number}`, type: 'halts', data: {} })
    expect(listeners.size).toBe(0)
    let chunks = 0
    while (!(await reader.read()).done) chunks += 1
    expect(chunks).toBe(MAX_KEPT_EVENTS + MAX_QUEUED_EVENTS)
  })

  it('ends at the next heartbeat for a browser that signed out, and goes on for others', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    onTestFinished(() => void vi.useRealTimers())
    await using fixture = await startFixture()
    const own = { 'purser-console': '1', 'sec-fetch-site': 'same-origin' }
    const signedIn = await fixture.ask('/console/sign-in', { token: null, body: { token: ADMIN_TOKEN }, headers: own })
    const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
    const [browser, script] = [
      (await fixture.ask('/v1/events', { token: null, headers: { cookie } })).body?.getReader(),
      (await fixture.ask('/v1/events')).body?.getReader(),
    ]
    if (!browser || !script) throw new Error('no stream')
    for (const reader of [browser, script]) await text(reader)
    vi.advanceTimersByTime(EVENT_HEARTBEAT_MS)
    expect([await text(browser), await text(script)]).toEqual([':\n\n', ':\n\n'])
    await fixture.ask('/console/sign-out', { method: 'POST', token: null, headers: { ...own, cookie } })
    vi.advanceTimersByTime(EVENT_HEARTBEAT_MS)
    expect([(await browser.read()).done, await text(script)]).toEqual([true, ':\n\n'])
    await script.cancel()
  })

  it('ends after its time, so that whoever goes on is asked for a token again', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { feed, listeners } = feedAtHand()
    const reader = streamOf(feed).getReader()
    await text(reader)
    vi.advanceTimersByTime(EVENT_STREAM_MS - 1)
    expect(listeners.size).toBe(1)
    vi.advanceTimersByTime(1)
    expect([(await reader.read()).done, listeners.size]).toEqual([true, 0])
  })

  it('ends when the feed stops', async () => {
    const { feed, listeners } = feedAtHand()
    const reader = streamOf(feed).getReader()
    await text(reader)
    for (const listener of listeners) listener.end()
    expect((await reader.read()).done).toBe(true)
    expect(listeners.size).toBe(0)
  })
})
