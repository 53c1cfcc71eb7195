import { describe, expect, it } from 'vitest'
import { createEventFeed, type EventFeed, type FeedEvent } from '../../src/admin/event-feed.ts'
import { MAX_EVENT_LISTENERS, MAX_KEPT_EVENTS } from '../../src/limits.ts'
import { HIRE } from '../approval/approvals-at-hand.ts'
import { countingIds } from '../clock.ts'
import { buy, type Fixture, startFixture, unavailable } from './fixture.ts'

interface Heard {
  readonly events: FeedEvent[]
  ended: number
  leave(): void
}

interface Bench {
  readonly fixture: Fixture
  readonly feed: EventFeed
  readonly warned: string[]
  /** One look at the ledger, to its end. */
  look(): Promise<void>
  listen(after?: string): Heard
}

async function bench(): Promise<Bench & AsyncDisposable> {
  const fixture = await startFixture()
  const warned: string[] = []
  const looks = new Set<() => void>()
  const feed = createEventFeed({
    ...{ ledger: fixture.ledger, clock: fixture.clock, ids: countingIds(), events: { warned: (sentence) => warned.push(sentence) } },
    every: (run) => {
      looks.add(run)
      return () => looks.delete(run)
    },
  })
  return {
    ...{ fixture, feed, warned },
    async look() {
      for (const look of looks) look()
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve))
    },
    listen(after) {
      const heard: Heard = { events: [], ended: 0, leave: () => {} }
      heard.leave = feed.join(
        {
          deliver: (event) => heard.events.push(event),
          end: () => {
            heard.ended += 1
          },
        },
        after,
      )
      return heard
    },
    async [Symbol.asyncDispose]() {
      feed.stop()
      await fixture[Symbol.asyncDispose]()
    },
  }
}

describe('the feed of events', () => {
  it('tells of approvals, payments, sessions and halts, each once', async () => {
    await using at = await bench()
    const { fixture, look } = at
    const heard = at.listen()
    const { id: sessionId } = await fixture.open({ cap: '100.00' })
    const payment = await buy(fixture, { sessionId })
    await look()
    await look()
    const { approvals } = fixture.deps.people
    const asked = await approvals.ask({ sessionId, agent: 'procurement-agent', shown: HIRE, required: 1, timeout_ms: 60_000 })
    await look()
    await approvals.vote(asked.id, { person: 'alice', verdict: 'approve', reason: '', channel: 'api' })
    await look()
    await fixture.ledger.halt({ scope: 'all', value: '', reason: '', at: 0 })
    await fixture.ledger.close(sessionId)
    await look()
    const told = heard.events.map(({ type, data }) => [type, data.id ?? null, data.state ?? data.news ?? null])
    // A payment may leave several entries, each of them told once.
    const receiptIds = heard.events.flatMap(({ data }) => (data.receiptId === undefined ? [] : [data.receiptId]))
    expect(new Set(receiptIds).size).toBe(receiptIds.length)
    expect([...new Map(told.map((one) => [String(one), one])).values()]).toEqual([
      ['payment', payment.id, 'settled'],
      ['session', sessionId, 'opened'],
      ['approval', asked.id, 'pending'],
      ['approval', asked.id, 'approved'],
      ['halts', null, null],
      ['session', sessionId, 'ended'],
    ])
  })

  it('says nothing of what was before, and looks at nothing while nobody listens', async () => {
    await using at = await bench()
    await at.fixture.open()
    at.fixture.clock.advance(1)
    const heard = at.listen()
    await at.look()
    expect(heard.events).toEqual([])
    heard.leave()
    at.fixture.ledger.receipts = () => Promise.reject(new Error('nobody asked'))
    await at.look()
    expect(at.warned).toEqual([])
  })

  it('who was cut off hears what came since; who missed more is told to read anew', async () => {
    await using at = await bench()
    const [first, other] = [at.listen(), at.listen()]
    const halt = () => at.fixture.ledger.halt({ scope: 'all', value: '', reason: '', at: 0 })
    await halt()
    await halt()
    await at.look()
    const ids = first.events.map(({ id }) => id)
    first.leave()
    await halt()
    await at.look()
    expect(at.listen(ids[0]).events.map(({ id }) => id)).toEqual(other.events.slice(1).map(({ id }) => id))
    expect(at.listen(other.events[2]?.id).events).toEqual([])
    expect(at.listen('feed_gone.1').events).toMatchObject([{ type: 'reset' }])
    await Promise.all(Array.from({ length: MAX_KEPT_EVENTS }, halt))
    await at.look()
    expect(at.listen(ids[0]).events).toMatchObject([{ type: 'reset' }])
  })

  it('a token that was revoked ends all listeners, who have to show theirs again', async () => {
    await using at = await bench()
    const heard = at.listen()
    const token = await at.fixture.token('auditor')
    await at.look()
    expect([heard.ended, token.length > 0]).toEqual([1, true])
  })

  it('a ledger that cannot be read is warned of once, and nothing is lost', async () => {
    await using at = await bench()
    const heard = at.listen()
    const { id } = await at.fixture.open()
    const { receipts } = at.fixture.ledger
    at.fixture.ledger.receipts = () => Promise.reject(unavailable())
    await at.look()
    await at.look()
    expect([at.warned.length, heard.events]).toEqual([1, []])
    at.fixture.ledger.receipts = receipts.bind(at.fixture.ledger)
    await at.look()
    expect(heard.events).toMatchObject([{ type: 'session', data: { id } }])
  })

  it('takes a bounded number of listeners, and lets go of all when it stops', async () => {
    await using at = await bench()
    const all = Array.from({ length: MAX_EVENT_LISTENERS }, () => at.listen())
    expect(() => at.listen()).toThrow('let one of them go first')
    all[0]?.leave()
    at.listen()
    at.feed.stop()
    expect(all.map(({ ended }) => ended)).toEqual([0, ...all.slice(1).map(() => 1)])
    expect(() => at.listen()).toThrow('This process is stopping')
  })
})
