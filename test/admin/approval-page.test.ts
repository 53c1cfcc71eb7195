import { describe, expect, it } from 'vitest'
import type { Approval } from '../../src/approval/approval.ts'
import { HIRE, HOSTILE_TEXTS } from '../approval/approvals-at-hand.ts'
import { type ApprovalRig, approvalRig } from './approval-rig.ts'

const ORIGIN = 'http://127.0.0.1:4021'

const get = (rig: ApprovalRig, token: string, headers: Record<string, string> = {}) =>
  rig.app.request(`${ORIGIN}/approve/${token}`, { headers: { host: '127.0.0.1:4021', ...headers } })

/** Reads the page as a browser would: its cookie and its form's proof. */
async function opened(rig: ApprovalRig, token: string): Promise<{ cookie: string; proof: string; html: string }> {
  const answer = await get(rig, token)
  const html = await answer.text()
  const [cookie = ''] = (answer.headers.get('set-cookie') ?? '').split(';')
  return { cookie, html, proof: /name="proof" value="([^"]+)"/.exec(html)?.[1] ?? '' }
}

interface Sent {
  readonly verdict?: string
  readonly proof?: string
  readonly cookie?: string
  readonly headers?: Record<string, string>
}

async function send(
  rig: ApprovalRig,
  token: string,
  { verdict = 'approve', proof = '', cookie = '', headers = {} }: Sent,
): Promise<[number, string]> {
  const answer = await rig.app.request(`${ORIGIN}/approve/${token}`, {
    method: 'POST',
    headers: {
      ...{ host: '127.0.0.1:4021', origin: ORIGIN, 'sec-fetch-site': 'same-origin', cookie },
      'content-type': 'application/x-www-form-urlencoded',
      ...headers,
    },
    body: new URLSearchParams({ verdict, reason: 'looks fine', proof }).toString(),
  })
  return [answer.status, await answer.text()]
}

async function pressed(rig: ApprovalRig, token: string, verdict = 'approve'): Promise<[number, string]> {
  return send(rig, token, { ...(await opened(rig, token)), verdict })
}

const title = (html: string) => /<h1>([^<]*)<\/h1>/.exec(html)?.[1]

describe('approval-page', () => {
  it('reading it, ever so often, does nothing', async () => {
    await using rig = await approvalRig()
    const approval = await rig.ask()
    for (let times = 0; times < 3; times += 1) expect((await get(rig, rig.token(approval))).status).toBe(200)
    expect(await rig.state(approval)).toEqual(approval)
  })

  it('shows exactly what will be signed', async () => {
    await using rig = await approvalRig()
    const { html } = await opened(rig, rig.token(await rig.ask()))
    for (const value of [HIRE.payTo, '$89.00: 89 USDC (89000000 atomic units)', HIRE.network, HIRE.url, HIRE.reason, HIRE.purpose]) {
      expect(html).toContain(value)
    }
    expect(html).toContain('$100.00 before this payment, $11.00 after it')
    expect(html).toContain('The price was $80.00 last time.')
  })

  it('one press counts once, in the name of the link’s person', async () => {
    await using rig = await approvalRig()
    const approval = await rig.ask()
    const token = rig.token(approval)
    const page = await opened(rig, token)
    expect(title((await send(rig, token, page))[1])).toBe('Thank you, this counts')
    const after = await rig.state(approval)
    expect(after.state).toBe('approved')
    expect(after.votes).toMatchObject([{ person: 'anna', verdict: 'approve', channel: 'link', reason: 'looks fine' }])
    expect((await send(rig, token, page))[0]).toBe(409)
  })

  it('of two presses at once one counts, and a used link says so', async () => {
    await using rig = await approvalRig()
    const approval = await rig.ask({ required: 2 })
    const token = rig.token(approval)
    const page = await opened(rig, token)
    const answers = await Promise.all([send(rig, token, page), send(rig, token, page)])
    expect(answers.map(([status]) => status).sort()).toEqual([200, 410])
    expect(answers.map(([, html]) => title(html))).toContain('This link was used already')
    expect((await rig.state(approval)).votes.length).toBe(1)
  })

  it('a link of one approver is not the yes of a second one', async () => {
    await using rig = await approvalRig()
    const approval = await rig.ask({ required: 2 })
    await pressed(rig, rig.token(approval))
    expect((await rig.state(approval)).state).toBe('pending')
    await pressed(rig, rig.token(approval, { person: 'ben' }))
    expect((await rig.state(approval)).state).toBe('approved')
  })

  it('a veto window offers the veto only, and takes it', async () => {
    await using rig = await approvalRig()
    const window = await rig.openWindow()
    const { html } = await opened(rig, rig.token(window))
    expect(html).toContain('value="deny">Veto')
    expect(html).not.toContain('value="approve"')
    expect((await pressed(rig, rig.token(window), 'deny'))[0]).toBe(200)
    expect((await rig.state(window)).state).toBe('vetoed')
  })

  it.each([
    ['a changed byte', (token: string) => `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`, {}, 404, 'This link is not valid'],
    ['another digest', (token: string) => token, { digest: 'e'.repeat(64) }, 409, 'This is not what the link was made for'],
    ['another kind', (token: string) => token, { kind: 'veto' as const }, 409, 'This is not what the link was made for'],
    ['a past end', (token: string) => token, { expiresAt: 1 }, 410, 'This link has expired'],
    ['no such approval', (token: string) => token, { approvalId: 'apr_none' }, 404, 'There is no such approval any more'],
    ['somebody without the role', (token: string) => token, { person: 'olga' }, 403, 'You may not decide this'],
    ['nobody, as the buttons of a channel have it', (token: string) => token, { person: '' }, 403, 'You may not decide this'],
  ] as const)('a link with %s says so and decides nothing, also when its form would be right', async (_name, spoil, more, status, says) => {
    await using rig = await approvalRig()
    const approval = await rig.ask()
    const token = spoil(rig.token(approval, more))
    const answer = await get(rig, token)
    expect([answer.status, title(await answer.text())]).toEqual([status, says])
    const form = { proof: rig.links.formProof(token, 'browser'), cookie: 'purser_form=browser' }
    expect((await send(rig, token, form))[0]).toBe(status)
    expect((await rig.state(approval)).votes).toEqual([])
  })

  it('the one who asks cannot say yes to itself', async () => {
    await using rig = await approvalRig()
    const approval = await rig.ask({ agent: 'anna' })
    const token = rig.token(approval)
    expect((await get(rig, token)).status).toBe(403)
    expect((await send(rig, token, { proof: rig.links.formProof(token, 'b'), cookie: 'purser_form=b' }))[0]).toBe(403)
  })

  it.each([
    ['without the page’s cookie', { cookie: '' }],
    ['with another browser’s cookie', { cookie: 'purser_form=browser_other' }],
    ['without the form’s proof', { proof: '' }],
    ['with the proof of another link', { proof: 'x'.repeat(43) }],
    ['with another verdict', { verdict: 'perhaps' }],
  ])('a form %s decides nothing', async (_name, spoilt) => {
    await using rig = await approvalRig()
    const approval = await rig.ask()
    const token = rig.token(approval)
    const [status, html] = await send(rig, token, { ...(await opened(rig, token)), ...spoilt })
    expect([status, title(html)]).toEqual([403, 'This form was not made for this browser'])
    expect((await rig.state(approval)).state).toBe('pending')
  })

  it.each([
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { host: 'evil.example' },
  ])('a right form from elsewhere decides nothing: %j', async (headers) => {
    await using rig = await approvalRig()
    const approval = await rig.ask()
    const token = rig.token(approval)
    const [status] = await send(rig, token, { ...(await opened(rig, token)), headers })
    expect([403, 421]).toContain(status)
    expect((await rig.state(approval)).state).toBe('pending')
  })

  it('a link in a mail opens the page; a frame or a script of another site does not', async () => {
    await using rig = await approvalRig()
    const token = rig.token(await rig.ask())
    const from = (dest: string) => get(rig, token, { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': dest })
    expect((await from('document')).status).toBe(200)
    for (const dest of ['iframe', 'frame', 'object', 'embed', 'empty', 'script', 'image']) expect((await from(dest)).status).toBe(403)
  })

  it('is neither cached, framed, scripted nor leaked by a referrer, and its cookie stays with it', async () => {
    await using rig = await approvalRig()
    const token = rig.token(await rig.ask())
    const { headers } = await get(rig, token)
    expect(headers.get('content-security-policy')).toMatch(
      /^default-src 'none'; style-src 'sha256-[^']+'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'$/,
    )
    expect(Object.fromEntries(headers)).toMatchObject({
      ...{ 'cache-control': 'no-store', 'x-frame-options': 'DENY', 'referrer-policy': 'same-origin', 'x-content-type-options': 'nosniff' },
    })
    expect(headers.get('set-cookie')).toMatch(new RegExp(`^purser_form=[^;]+; Path=/approve/${token}; HttpOnly; SameSite=Strict$`))
  })

  it.each(HOSTILE_TEXTS)('foreign text adds no markup and no hidden character: %s', async (_name, text) => {
    await using rig = await approvalRig()
    const usual = await opened(rig, rig.token(await rig.ask({ untrusted: 'x' })))
    await using other = await approvalRig()
    const hostile = await opened(other, other.token(await other.ask({ untrusted: text })))
    const tags = (html: string) => [...html.matchAll(/<[^>]*>/g)].map(([tag]) => tag.replace(/value="[^"]{43}"/, ''))
    expect(tags(hostile.html)).toEqual(tags(usual.html))
    expect(hostile.html).not.toMatch(/\p{Bidi_Control}/u)
    for (const unseen of ['\u001b', '\u0000', '\u200b']) expect(hostile.html).not.toContain(unseen)
  })

  it('what was decided meanwhile is told, and there is nothing to press', async () => {
    await using rig = await approvalRig()
    const approval: Approval = await rig.ask()
    await rig.approvals.vote(approval.id, { person: 'ben', verdict: 'deny', reason: 'no', channel: 'cli' })
    const { html } = await opened(rig, rig.token(approval))
    expect(html).toContain('It was refused; nothing is paid for it.')
    expect(html).not.toContain('<form')
  })
})
