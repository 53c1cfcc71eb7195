/** What is told, and when, is in the conformance suite, over every ledger; here is what runs around it. */
import { describe, expect, it } from 'vitest'
import { type BooksDeps, createBooks } from '../../src/alerts/books.ts'
import type { Address } from '../../src/approval/people.ts'
import { BOOK_STEP_MS, NOTICE_INTERVAL_MS } from '../../src/people-limits.ts'
import { hook, noticeRig } from '../approval/notice-rig.ts'
import { countingIds } from '../clock.ts'
import { fixtures, usd } from '../ledger/fixtures.ts'

const BOOKS: Address = { ...hook('books'), name: 'approvals.webhooks[0]', events: ['payment.*'] }

async function stage(shared: readonly Address[] = [BOOKS], more: Partial<BooksDeps> = {}) {
  const rig = await noticeRig({ people: [], shared })
  const warned: string[] = []
  let kicks = 0
  const deps: BooksDeps = {
    ...{ ledger: rig.ledger, shared, clock: rig.clock, events: { warned: (sentence) => warned.push(sentence) } },
    onQueued: () => {
      kicks += 1
    },
    ...more,
  }
  const make = fixtures(countingIds(), () => rig.clock.now())
  const session = await rig.ledger.openSession(make.session({ owner: 'olga', labels: { costCentre: 'CC-7' } }))
  const refuse = () =>
    rig.ledger.refuse(make.request(session.id, usd(1)).attempt, { code: 'tier_prohibited', detail: 'no' }).then(() => undefined)
  return { ...rig, books: createBooks(deps), warned, kicks: () => kicks, refuse, dispose: () => rig[Symbol.asyncDispose]() }
}

describe('books', () => {
  it('each receipt reaches the receiver signed, with the labels of its session, and is sent at once', async () => {
    const { books, refuse, deliver, sent, kicks, dispose } = await stage()
    await books.tellNew()
    await refuse()
    await books.tellNew()
    expect(kicks()).toBe(1)
    await deliver()
    expect(sent.map(({ body }) => JSON.parse(body))).toMatchObject([
      { type: 'payment.refused', data: { code: 'tier_prohibited', costCentre: 'CC-7', owner: 'olga', receipt: { kind: 'refusal' } } },
    ])
    expect(sent[0]?.headers['webhook-signature']).toMatch(/^v1,/)
    await dispose()
  })

  it('how far a receiver was told stands under no URL, which may be a secret', async () => {
    const { books, ledger, dispose } = await stage()
    await books.tellNew()
    expect(await ledger.told.toldUpTo(BOOKS.url ?? '')).toBeUndefined()
    await dispose()
  })

  it('what fails is sent again under the same id', async () => {
    const { books, refuse, deliver, sent, answers, clock, dispose } = await stage()
    await books.tellNew()
    await refuse()
    await books.tellNew()
    answers.set(BOOKS.url ?? '', 500)
    await deliver()
    answers.clear()
    clock.advance(1_000)
    await deliver()
    expect(sent).toHaveLength(2)
    expect(new Set(sent.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    await dispose()
  })

  it('a receiver that does not name a type of receipts is asked for nothing, and neither is the ledger', async () => {
    const deaf = [{ ...BOOKS, events: ['approval.requested'] }, hook('anna')]
    const { books, refuse, ledger, dispose } = await stage(deaf)
    await ledger[Symbol.asyncDispose]()
    expect(await books.tellNew()).toBe(0)
    await books.start()
    await expect(refuse()).rejects.toThrow()
    await dispose()
  })

  it('a ledger that fails is warned of and asked again; steps follow each other quickly while there is more', async () => {
    const pauses: number[] = []
    const enough = Promise.withResolvers<void>()
    const pause = async (ms: number) => {
      pauses.push(ms)
      if (pauses.length === 1) await other.refuse()
      if (pauses.length === 4) enough.resolve()
      if (pauses.length >= 4) await new Promise((resolve) => setImmediate(resolve))
    }
    const other = await stage([BOOKS], { pause })
    await other.books.start()
    await enough.promise
    await other.books.stop()
    expect(pauses.slice(0, 3)).toEqual([NOTICE_INTERVAL_MS, BOOK_STEP_MS, NOTICE_INTERVAL_MS])
    await other.ledger[Symbol.asyncDispose]()
    const broken = createBooks({
      ...{ ledger: other.ledger, shared: [BOOKS], clock: other.clock, onQueued: () => undefined },
      events: { warned: (sentence) => other.warned.push(sentence) },
    })
    await broken.start()
    await broken.stop()
    expect(other.warned).toEqual(['Receipts could not be told to those who keep the books; it is tried again.'])
    await other.dispose()
  })
})
