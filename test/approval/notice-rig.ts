/** Notices over a real store, with receivers that answer what the test says. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLinks } from '../../src/approval/links.ts'
import { createNotices, type Notices, type NoticesDeps } from '../../src/approval/notices.ts'
import type { Address, Contacts } from '../../src/approval/people.ts'
import type { Ledger } from '../../src/ledger/ledger.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite.ts'
import { countingIds, type TestClock, testClock } from '../clock.ts'
import { session } from '../session/fixtures.ts'

export const hook = (id: string): Address => ({
  channel: 'webhook',
  name: `people.${id}.webhook`,
  url: `https://${id}.example/`,
  secret: 'canary-secret',
})
export const mail = (id: string): Address => ({
  channel: 'email',
  name: `people.${id}.email`,
  url: 'https://relay.example/',
  to: `${id}@example.com`,
})
export const TEAM: Address = { channel: 'slack', name: 'approvals.slack', url: 'https://hooks.slack.com/services/canary' }

/** Olga owns, Anna and Ben approve; each has a webhook and a mailbox. */
export const CONTACTS: Contacts = {
  people: [
    { id: 'olga', roles: ['owner'], addresses: [hook('olga'), mail('olga')] },
    { id: 'anna', roles: ['approver'], slack: 'U1', addresses: [hook('anna'), mail('anna')] },
    { id: 'ben', roles: ['approver'], addresses: [hook('ben'), mail('ben')] },
  ],
  shared: [],
}

export interface Sent {
  readonly url: string
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export interface NoticeRig extends AsyncDisposable {
  readonly ledger: Ledger
  readonly clock: TestClock
  readonly notices: Notices
  readonly deps: NoticesDeps
  readonly sent: Sent[]
  /** Status by URL; 200 unless set, 0 is no answer. */
  readonly answers: Map<string, number>
  readonly delivered: string[]
  readonly undeliverable: string[]
  readonly counted: string[]
  /** Rounds at one instant, until nothing is due. */
  deliver(): Promise<void>
  /** Hosts and mailboxes that were asked, in order, since the last call. */
  asked(): string[]
}

export async function noticeRig(contacts: Contacts = CONTACTS, more: Partial<NoticesDeps> = {}): Promise<NoticeRig> {
  const clock = testClock()
  const folder = await mkdtemp(join(tmpdir(), 'purser-notices-'))
  const ledger = await openSqliteLedger({ file: join(folder, 'purser.db'), clock, ids: countingIds(), runId: 'run_1' })
  await ledger.openSession({ ...session(), tokenHash: 'a'.repeat(64) })
  const sent: Sent[] = []
  const answers = new Map<string, number>()
  const [delivered, undeliverable, counted]: [string[], string[], string[]] = [[], [], []]
  const deps: NoticesDeps = {
    ...{ store: ledger.approvals, contacts, clock, links: createLinks(Buffer.alloc(32, 1)), pageUrl: () => 'https://purser.example/' },
    post: async (url, { body, headers }) => {
      sent.push({ url, body, headers })
      const status = answers.get(url) ?? 200
      if (status === 0) throw new Error('no answer')
      return status
    },
    budgetOwners: async () => [],
    onDelivered: async (id) => delivered.push(id),
    onUndeliverable: async (id) => undeliverable.push(id),
    events: {
      warned: (sentence) => counted.push(sentence),
      noticeEnded: ({ channel, outcome }) => counted.push(`${channel} ${outcome}`),
      approvalUndelivered: ({ approvalId, kind }) => counted.push(`undelivered ${kind} ${approvalId}`),
    },
    ...more,
  }
  const notices = createNotices(deps)
  let seen = 0
  return {
    ...{ ledger, clock, notices, deps, sent, answers, delivered, undeliverable, counted },
    async deliver() {
      for (let rounds = 0; rounds < 50; rounds += 1) if ((await notices.deliverDue()) === 0) return
      throw new Error('notices are due for ever')
    },
    asked() {
      const fresh = sent.slice(seen)
      seen = sent.length
      return fresh.map(({ url, body }) => (url.includes('relay') ? JSON.parse(body).data.to : new URL(url).host))
    },
    async [Symbol.asyncDispose]() {
      await ledger[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}
