import { describe, expect, it } from 'vitest'
import type { Approval, Notice } from '../../src/approval/approval.ts'
import { createDelivery } from '../../src/approval/delivery.ts'
import { anApproval, aWindow } from './approvals-at-hand.ts'
import { CONTACTS, type NoticeRig, noticeRig } from './notice-rig.ts'

const NOTICE: Notice = {
  ...{ id: 'ntc_1', approvalId: 'apr_1', type: 'approval.requested', person: 'anna', channel: 'webhook', target: 'people.anna.webhook' },
  ...{ payload: '{"kept":true}', state: 'waiting', attempts: 0, dueAt: 0, createdAt: 0, deliveredAt: null, lastError: null },
}

async function attempt(rig: NoticeRig, { notice = {}, approval }: { notice?: Partial<Notice>; approval: Approval }): Promise<Notice> {
  await rig.ledger.approvals.insertApproval(approval)
  return createDelivery(rig.deps).attempt({ ...NOTICE, ...notice })
}

describe('delivery', () => {
  it('any 2xx is proof that somebody has it', async () => {
    await using rig = await noticeRig()
    rig.answers.set('https://anna.example/', 204)
    const now = rig.clock.now()
    expect(await attempt(rig, { approval: anApproval() })).toMatchObject({
      state: 'delivered',
      attempts: 1,
      deliveredAt: now,
      lastError: null,
    })
    expect(rig.sent[0]?.headers).toMatchObject({ 'webhook-id': 'ntc_1', 'webhook-signature': expect.stringMatching(/^v1,/) })
  })

  it.each([
    [301, 'waiting'],
    [404, 'waiting'],
    [500, 'waiting'],
    [0, 'waiting'],
    [410, 'dead'],
  ] as const)('nothing else is: %i leaves it %s', async (status, state) => {
    await using rig = await noticeRig()
    rig.answers.set('https://anna.example/', status)
    const after = await attempt(rig, { approval: anApproval() })
    expect(after).toMatchObject({ state, attempts: 1, lastError: status === 0 ? 'no answer' : `The receiver answered ${status}.` })
  })

  it.each([
    [{}, true],
    [{ buttons: false }, false],
  ] as const)('Slack has buttons only where their press can be checked: %j', async (address, has) => {
    const team = { channel: 'slack', name: 'approvals.slack', url: 'https://slack.example/', ...address } as const
    await using rig = await noticeRig({ people: [], shared: [team] })
    rig.answers.set('https://slack.example/', 200)
    const notice = { channel: 'slack', target: 'approvals.slack', person: '' } as const
    expect(await attempt(rig, { notice, approval: anApproval() })).toMatchObject({ state: 'delivered' })
    expect(JSON.stringify(rig.sent[0]).includes('purser_approve')).toBe(has)
  })

  it('people are not asked about what is over or was replaced', async () => {
    const cases = [
      { approval: anApproval({ state: 'denied' }), lastError: 'It was not needed any more: the approval was over before.' },
      { approval: anApproval(), notice: { type: 'veto.opened' }, lastError: 'It was replaced: the window became an explicit approval.' },
      { approval: anApproval({ id: 'apr_2' }), lastError: 'It was not needed any more: the approval was over before.' },
    ]
    for (const { lastError, ...given } of cases) {
      await using rig = await noticeRig()
      expect(await attempt(rig, given)).toMatchObject({ state: 'not_needed', attempts: 0, lastError })
      expect(rig.sent).toEqual([])
    }
  })

  it('an address that is configured no more, and mail that nobody fetched, are dead letters', async () => {
    await using rig = await noticeRig({
      people: [{ id: 'ben', roles: [], addresses: [{ channel: 'email', name: 'people.ben.email', to: 'b@example.com' }] }],
      shared: [],
    })
    expect((await attempt(rig, { approval: anApproval() })).lastError).toBe('This address is not configured any more.')
    const mail = await createDelivery(rig.deps).attempt({ ...NOTICE, channel: 'email', target: 'people.ben.email' })
    expect(mail).toMatchObject({ state: 'dead', lastError: 'Nobody fetched it in time.' })
  })

  it('the agent who asks never gets a link for itself', async () => {
    await using rig = await noticeRig(CONTACTS)
    await attempt(rig, { approval: anApproval({ agent: 'anna' }) })
    expect(rig.sent[0]?.body).toBe('{"kept":true}')
  })

  it('the link of a window that has not begun lasts as long as the window may', async () => {
    await using rig = await noticeRig()
    const window = aWindow()
    await attempt(rig, { approval: window, notice: { type: 'veto.opened' } })
    const [, token = ''] = /\/approve\/([^"]+)"/.exec(rig.sent[0]?.body ?? '') ?? []
    expect(rig.deps.links.read(token, window.expiresAt + 29_999)).toMatchObject({ kind: 'valid', link: { kind: 'veto' } })
    expect(rig.deps.links.read(token, window.expiresAt + 30_000)).toEqual({ kind: 'expired' })
  })

  it('a day is the longest that a link works', async () => {
    await using rig = await noticeRig()
    const approval = anApproval({ expiresAt: Date.parse('2026-07-27T12:00:00Z') })
    await attempt(rig, { approval })
    const [, token = ''] = /\/approve\/([^"]+)"/.exec(rig.sent[0]?.body ?? '') ?? []
    expect(rig.deps.links.read(token, approval.createdAt + 24 * 3_600_000)).toEqual({ kind: 'expired' })
  })
})
