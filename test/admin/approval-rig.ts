/** The doors for people's answers over the real service and a real store, with what comes before them in the admin app. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { registerApprovalPage } from '../../src/admin/approval-page.ts'
import { boundBody, guardDoor, secureHeaders } from '../../src/admin/door-guard.ts'
import { type AdminApp, createRouter } from '../../src/admin/router.ts'
import { registerSlackCallback } from '../../src/admin/slack-callback.ts'
import type { Approval } from '../../src/approval/approval.ts'
import type { Approvals } from '../../src/approval/approvals.ts'
import { createLinks, type Link, type Links } from '../../src/approval/links.ts'
import type { Contacts } from '../../src/approval/people.ts'
import { createApprovals } from '../../src/approval/service.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite.ts'
import { HIRE } from '../approval/approvals-at-hand.ts'
import { countingIds, type TestClock, testClock } from '../clock.ts'
import { session } from '../session/fixtures.ts'

export const SIGNING_SECRET = '8f742231b10e8888abcd99yyyzzz85a5'
export const CONTACTS: Contacts = {
  people: [
    { id: 'olga', roles: ['owner'], slack: 'U3', addresses: [] },
    { id: 'anna', roles: ['approver'], slack: 'U1', addresses: [] },
    { id: 'ben', roles: ['approver'], slack: 'U2', addresses: [] },
  ],
  shared: [{ channel: 'slack', name: 'approvals.slack', url: 'https://chat.example/hook' }],
}

export interface ApprovalRig extends AsyncDisposable {
  readonly app: AdminApp
  readonly approvals: Approvals
  readonly links: Links
  readonly clock: TestClock
  /** What was posted elsewhere. */
  readonly posted: { readonly url: string; readonly body: string }[]
  /** What is posted is answered when this resolves. */
  answersWith(slow: Promise<unknown>): void
  ask(more?: { readonly required?: number; readonly untrusted?: string; readonly agent?: string }): Promise<Approval>
  /** A window whose notice has just arrived. */
  openWindow(): Promise<Approval>
  token(approval: Approval, more?: Partial<Link>): string
  state(approval: Approval): Promise<Approval>
}

export async function approvalRig(contacts: Contacts = CONTACTS): Promise<ApprovalRig> {
  const clock = testClock()
  const ids = countingIds()
  const folder = await mkdtemp(join(tmpdir(), 'purser-people-'))
  const ledger = await openSqliteLedger({ file: join(folder, 'purser.db'), clock, ids, runId: 'run_1' })
  await ledger.openSession({ ...session(), tokenHash: 'a'.repeat(64) })
  const events = { warned: () => {}, approvalWaited: () => {}, faulted: () => {} }
  const approvals = createApprovals({ store: ledger.approvals, clock, ids, events, notify: async () => ({ queued: 1 }) })
  const links = createLinks(Buffer.alloc(32, 1))
  const posted: { url: string; body: string }[] = []
  let heard: Promise<unknown> = Promise.resolve()
  const app = createRouter(events)
  app.use(secureHeaders, guardDoor([]), boundBody)
  const useOnce = (mark: string, expiresAt: number) => ledger.approvals.useOnce(mark, expiresAt)
  registerApprovalPage(app, { approvals, useOnce, links, contacts, clock, ids, secureCookies: false })
  const post = async (url: string, { body }: { readonly body: string }) => {
    posted.push({ url, body })
    await heard
    return 200
  }
  registerSlackCallback(app, { signingSecret: SIGNING_SECRET, approvals, useOnce, links, contacts, clock, post, events })
  return {
    ...{ app, approvals, links, clock, posted },
    answersWith(slow) {
      heard = slow
    },
    ask: ({ required = 1, untrusted, agent = 'procurement' } = {}) =>
      approvals.ask({ sessionId: 'ses_1', agent, shown: { ...HIRE, untrusted: untrusted ?? null }, required, timeout_ms: 3_600_000 }),
    async openWindow() {
      const window = await approvals.openWindow({
        sessionId: 'ses_1',
        agent: 'procurement',
        shown: HIRE,
        paymentId: ids('pay'),
        length_ms: 30_000,
      })
      await approvals.noticed(window.id)
      return (await approvals.approval(window.id)) ?? window
    },
    token: ({ id, digest, kind, expiresAt }, more = {}) => links.mint({ approvalId: id, person: 'anna', digest, kind, expiresAt, ...more }),
    async state({ id }) {
      const found = await approvals.approval(id)
      if (!found) throw new Error(`no approval ${id}`)
      return found
    },
    async [Symbol.asyncDispose]() {
      await approvals[Symbol.asyncDispose]()
      await ledger[Symbol.asyncDispose]()
      await rm(folder, { recursive: true })
    },
  }
}
