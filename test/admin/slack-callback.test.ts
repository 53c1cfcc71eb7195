import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createRouter } from '../../src/admin/router.ts'
import { registerSlackCallback } from '../../src/admin/slack-callback.ts'
import { MAX_SLACK_BODY_BYTES } from '../../src/people-limits.ts'
import { type ApprovalRig, approvalRig, SIGNING_SECRET } from './approval-rig.ts'
import { expectProblem } from './fixture.ts'

interface Pressed {
  readonly user?: string
  readonly verdict?: 'approve' | 'deny'
  readonly token: string
  readonly responseUrl?: string
  /** Milliseconds by which the timestamp is off. */
  readonly off_ms?: number
  readonly secret?: string
}

function request(rig: ApprovalRig, { user = 'U1', verdict = 'approve', token, responseUrl, off_ms = 0, secret = SIGNING_SECRET }: Pressed) {
  const payload = {
    ...{ type: 'block_actions', user: { id: user }, actions: [{ action_id: `purser_${verdict}`, value: token }] },
    response_url: responseUrl ?? 'https://hooks.slack.com/actions/1',
  }
  const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString()
  const timestamp = String(Math.floor((rig.clock.now() + off_ms) / 1000))
  const signature = `v0=${createHmac('sha256', secret).update(`v0:${timestamp}:${body}`).digest('hex')}`
  return {
    method: 'POST',
    headers: { host: '127.0.0.1:4021', 'x-slack-signature': signature, 'x-slack-request-timestamp': timestamp },
    body,
  }
}

const press = async (rig: ApprovalRig, pressed: Pressed) => rig.app.request('http://127.0.0.1:4021/v1/slack/actions', request(rig, pressed))
const said = (rig: ApprovalRig): string => JSON.parse(rig.posted.at(-1)?.body ?? '{}').text

describe('slack-callback', () => {
  it('a press by an approver counts in their name, and the channel is told', async () => {
    await using rig = await approvalRig()
    const approval = await rig.ask()
    expect((await press(rig, { token: rig.token(approval, { person: '' }) })).status).toBe(200)
    expect(await rig.state(approval)).toMatchObject({
      state: 'approved',
      votes: [{ person: 'anna', channel: 'slack', verdict: 'approve' }],
    })
    expect(rig.posted.at(-1)?.url).toBe('https://hooks.slack.com/actions/1')
    expect(said(rig)).toContain('anna approved.')
  })

  it('two people of one channel are two, one person who presses twice is one', async () => {
    await using rig = await approvalRig()
    const approval = await rig.ask({ required: 2 })
    const token = rig.token(approval, { person: '' })
    await press(rig, { token })
    rig.clock.advance(1_000)
    await press(rig, { token })
    expect((await rig.state(approval)).state).toBe('pending')
    await press(rig, { token, user: 'U2' })
    expect((await rig.state(approval)).state).toBe('approved')
  })

  it('a veto is a veto', async () => {
    await using rig = await approvalRig()
    const window = await rig.openWindow()
    await press(rig, { token: rig.token(window, { person: '' }), verdict: 'deny' })
    expect((await rig.state(window)).state).toBe('vetoed')
  })

  it('what Slack did not sign, signed too long ago, or sent before is refused', async () => {
    await using rig = await approvalRig()
    const approval = await rig.ask({ required: 2 })
    const token = rig.token(approval, { person: '' })
    await expectProblem(await press(rig, { token, secret: 'forged' }), 'unauthorized', 401)
    await expectProblem(await press(rig, { token, off_ms: -301_000 }), 'unauthorized', 401)
    await expectProblem(await press(rig, { token, off_ms: 301_000 }), 'unauthorized', 401)
    expect((await rig.state(approval)).votes).toEqual([])
    await press(rig, { token })
    const detail = await expectProblem(await press(rig, { token }), 'conflict', 409)
    expect(detail).toBe('This request of Slack’s was taken already.')
    expect((await rig.state(approval)).votes.length).toBe(1)
  })

  it.each([
    ['a user whom nobody knows', { user: 'U9' }, {}, 'You may not decide this'],
    ['an owner who is no approver', { user: 'U3' }, {}, 'You may not decide this'],
    ['a person’s own link instead of the channel’s token', {}, { person: 'anna' }, 'These buttons are not valid'],
    ['another digest', {}, { digest: 'e'.repeat(64) }, 'The payment changed'],
    ['another kind', {}, { kind: 'veto' as const }, 'The payment changed'],
    ['a past end', {}, { expiresAt: 1 }, 'This question has expired'],
    ['no such approval', {}, { approvalId: 'apr_none' }, 'There is no such approval'],
  ])('%s decides nothing, and the channel is told why', async (_name, pressed, more, says) => {
    await using rig = await approvalRig()
    const approval = await rig.ask()
    expect((await press(rig, { ...pressed, token: rig.token(approval, { person: '', ...more }) })).status).toBe(200)
    expect(said(rig)).toContain(says)
    expect((await rig.state(approval)).votes).toEqual([])
  })

  it('the one who asks cannot press for itself', async () => {
    await using rig = await approvalRig()
    const approval = await rig.ask({ agent: 'anna' })
    await press(rig, { token: rig.token(approval, { person: '' }) })
    expect(said(rig)).toContain('You may not decide this')
    expect((await rig.state(approval)).votes).toEqual([])
  })

  it('answers go to Slack or the configured stand-in and nowhere else', async () => {
    await using rig = await approvalRig()
    const token = rig.token(await rig.ask({ required: 2 }), { person: '' })
    await press(rig, { token, responseUrl: 'https://evil.example/actions/1' })
    await press(rig, { token, user: 'U9', responseUrl: 'http://hooks.slack.com/actions/1' })
    expect(rig.posted).toEqual([])
    await press(rig, { token, user: 'U9', responseUrl: 'https://chat.example/answers/1' })
    expect(rig.posted.map(({ url }) => url)).toEqual(['https://chat.example/answers/1'])
  })

  it('Slack has its answer while the channel is still being told', async () => {
    await using rig = await approvalRig()
    const approval = await rig.ask()
    const never = Promise.withResolvers<void>()
    rig.answersWith(never.promise)
    expect((await press(rig, { token: rig.token(approval, { person: '' }) })).status).toBe(200)
    expect(said(rig)).toContain('anna approved.')
    expect((await rig.state(approval)).state).toBe('approved')
  })

  it('an endless body and a signed something else are refused', async () => {
    await using rig = await approvalRig()
    await expectProblem(await press(rig, { token: 'x'.repeat(MAX_SLACK_BODY_BYTES) }), 'request_invalid', 413)
    await expectProblem(await press(rig, { token: 'x'.repeat(2_001) }), 'request_invalid', 400)
  })

  it('without a signing secret there is no such door', async () => {
    await using rig = await approvalRig()
    const app = createRouter({ faulted: () => {} })
    const deps = { approvals: rig.approvals, useOnce: async () => true, links: rig.links, contacts: { people: [], shared: [] } }
    registerSlackCallback(app, { ...deps, signingSecret: undefined, clock: rig.clock, post: async () => 200, events: { warned: () => {} } })
    expect((await app.request('http://127.0.0.1:4021/v1/slack/actions', request(rig, { token: 'x' }))).status).toBe(404)
  })
})
