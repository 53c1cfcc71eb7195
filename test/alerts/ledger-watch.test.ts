import { describe, expect, it } from 'vitest'
import { alertEventSchema } from '../../src/alerts/alert-event.ts'
import { createLedgerWatch } from '../../src/alerts/ledger-watch.ts'
import type { Contacts } from '../../src/approval/people.ts'
import { LEDGER_DEBOUNCE_MS, MAX_DIRECT_ATTEMPTS } from '../../src/people-limits.ts'
import { CONTACTS, hook, TEAM } from '../approval/notice-rig.ts'
import { countingIds, testClock } from '../clock.ts'

const OLGA = hook('olga').url ?? ''
const [olga] = CONTACTS.people
const ONE: Contacts = { people: olga ? [{ ...olga, addresses: [hook('olga')] }] : [], shared: [] }

function stage({ contacts = ONE, status = () => 200 }: { contacts?: Contacts; status?: (url: string) => number } = {}) {
  const clock = testClock()
  const sent: { url: string; type: string; id: string | undefined }[] = []
  const counted: string[] = []
  const pauses: number[] = []
  let reasons: readonly string[] | Error = []
  const watch = createLedgerWatch({
    ...{ contacts, clock, ids: countingIds() },
    reasons: async () => {
      if (reasons instanceof Error) throw reasons
      return reasons
    },
    post: async (url, { body, headers }) => {
      const message = url === TEAM.url ? { type: 'slack' } : alertEventSchema.parse(JSON.parse(body))
      sent.push({ url, type: message.type, id: headers['webhook-id'] })
      return status(url)
    },
    events: { warned: (sentence) => counted.push(sentence), noticeEnded: ({ outcome }) => counted.push(outcome) },
    pause: async (ms) => {
      pauses.push(ms)
    },
  })
  return {
    ...{ sent, counted, pauses },
    is: (now: readonly string[] | Error) => {
      reasons = now
    },
    /** A look now, and one when what it saw has lasted. */
    async lasts(ms = LEDGER_DEBOUNCE_MS) {
      await watch.look()
      clock.advance(ms)
      await watch.look()
      await new Promise((resolve) => setImmediate(resolve))
    },
    types: () => sent.map(({ type }) => type),
    stop: () => watch.stop(),
  }
}

describe('the watch over the ledger', () => {
  it('tells once that it cannot be written, and once that it can again', async () => {
    const { is, lasts, types } = stage()
    await lasts()
    is(['The disk is full.'])
    await lasts()
    await lasts()
    is([])
    await lasts()
    await lasts()
    expect(types()).toEqual(['ledger.not_ready', 'ledger.ready'])
  })

  it('a short stall is told to nobody', async () => {
    const { is, lasts, types } = stage()
    is(['The disk is slow.'])
    await lasts(LEDGER_DEBOUNCE_MS - 1)
    is([])
    await lasts()
    is(['The disk is slow.'])
    await lasts(LEDGER_DEBOUNCE_MS - 1)
    expect(types()).toEqual([])
  })

  it('a ledger that cannot even be asked is not ready', async () => {
    const { is, lasts, types } = stage()
    is(new Error('gone'))
    await lasts()
    expect(types()).toEqual(['ledger.not_ready'])
  })

  it('tries again a few times under one id, then leaves it', async () => {
    const { is, lasts, sent, counted, pauses } = stage({ status: () => 500 })
    is(['The disk is full.'])
    await lasts()
    expect(new Set(sent.map(({ id }) => id)).size).toBe(1)
    expect(sent).toHaveLength(MAX_DIRECT_ATTEMPTS)
    expect(pauses).toEqual([1_000, 4_000, 16_000, 64_000, 256_000])
    expect(counted.slice(-2)).toEqual(['dead', expect.stringContaining('people.olga.webhook could not be told')])
  })

  it('reaches owners, Slack and the webhooks that want to hear of it', async () => {
    const deaf = { ...hook('books'), name: 'approvals.webhooks[0]', events: ['payment.*'] }
    const { is, lasts, sent } = stage({ contacts: { ...ONE, shared: [deaf, TEAM] } })
    is(['The disk is full.'])
    await lasts()
    expect(sent.map(({ url }) => url)).toEqual([OLGA, TEAM.url])
  })

  it('stops with those who were not reached', async () => {
    const { is, lasts, stop, sent } = stage({ status: () => 500 })
    await stop()
    is(['The disk is full.'])
    await lasts()
    expect(sent).toEqual([])
  })
})
