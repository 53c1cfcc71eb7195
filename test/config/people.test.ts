import { describe, expect, it } from 'vitest'
import type { Config } from '../../src/config/config.ts'
import { approvalsSchema, peopleSchema, resolvePeople, secretsOfPeople, unsignedHooks } from '../../src/config/people.ts'
import { issuesOf } from '../../src/session/issues.ts'

const people = peopleSchema('/etc/purser')
const approvals = approvalsSchema('/etc/purser')
const problems = (result: ReturnType<typeof people.safeParse> | ReturnType<typeof approvals.safeParse>) =>
  result.success ? [] : issuesOf(result.error).map(({ path, message }) => `${path}: ${message}`)

/** The sections as they come out of the whole configuration. */
function sections(written: { people?: unknown; approvals?: unknown }): Pick<Config, 'people' | 'approvals'> {
  return { people: people.parse(written.people ?? []), approvals: approvals.parse(written.approvals ?? {}) }
}

const OPS = { id: 'ops', roles: ['owner', 'approver'], webhook: 'https://ops.example/purser' }

describe('people', () => {
  it('as design and docs write it, it works', () => {
    const written = { people: [OPS], approvals: { hold: '30s', vetoHold: '60s', webhooks: [{ url: OPS.webhook, secret: 'env:HOOK' }] } }
    expect(sections(written)).toMatchObject({ people: [OPS], approvals: { hold_ms: 30_000, vetoHold_ms: 60_000 } })
    expect(unsignedHooks(sections(written))).toEqual([])
  })

  it('nothing written: nobody is told, requests wait half a minute and a minute', async () => {
    expect(sections({}).approvals).toEqual({ hold_ms: 30_000, vetoHold_ms: 60_000, escalateAfter_ms: 900_000, webhooks: [] })
    expect(await resolvePeople(sections({}), {})).toEqual({ people: [], shared: [], slackSigningSecret: undefined })
  })

  it('what an address hears of is named from what there is, and an unknown name is a mistake', async () => {
    const webhooks = [{ url: OPS.webhook, secret: 'env:HOOK', events: ['payment.*', 'ledger.not_ready'] }]
    const slack = { webhook: 'env:SLACK', events: ['approval.requested'] }
    const { shared } = await resolvePeople(sections({ approvals: { webhooks, slack } }), { HOOK: 'x', SLACK: 'https://hooks.slack.com/x' })
    expect(shared.map(({ events }) => events)).toEqual([['payment.*', 'ledger.not_ready'], ['approval.requested']])
    const wrong = [{ ...webhooks[0], events: ['payment.settld'] }]
    expect(problems(approvals.safeParse({ webhooks: wrong }))).toEqual([
      expect.stringMatching(/^webhooks\[0\]\.events\[0\]: write one of \*, /),
    ])
  })

  it('a request waits at most five minutes', () => {
    expect(approvals.parse({ hold: '5m', vetoHold: '0s' })).toMatchObject({ hold_ms: 300_000, vetoHold_ms: 0 })
    expect(problems(approvals.safeParse({ hold: '301s' }))).toEqual(['hold: at most 5m: a request cannot wait longer'])
  })

  it('a person and a Slack user stand once, and every mistake is named', () => {
    const slack = { id: 'a', roles: [], slack: 'U012AB3CD' }
    expect(problems(people.safeParse([slack, { ...slack, id: 'b' }, { id: 'a', roles: [] }]))).toEqual([
      '[2].id: a is listed twice',
      '[1].slack: U012AB3CD is listed twice',
    ])
    const wrong = { id: 'x', roles: ['boss'], webhook: 'http://ops.example/', email: 'nobody', slack: 'anna', webhookSecret: 'x' }
    expect(problems(people.safeParse([wrong])).map((problem) => problem.split(':')[0])).toEqual([
      '[0].roles[0]',
      '[0].webhook',
      '[0].email',
      '[0].slack',
    ])
    expect(problems(people.safeParse([{ id: 'x', roles: [], webhookSecret: 's' }]))).toEqual([
      '[0].webhookSecret: signs what goes to a webhook: write that too',
    ])
  })

  it('addresses come with their secrets, webhook before e-mail, shared ones apart', async () => {
    const written = {
      people: [
        { ...OPS, email: 'ops@example.com', slack: 'U012AB3CD' },
        { id: 'anna', roles: ['approver'], webhook: 'https://anna.example/', webhookSecret: 'env:ANNA' },
      ],
      approvals: {
        webhooks: [{ url: OPS.webhook, secret: 'env:HOOK' }],
        slack: { webhook: 'env:SLACK', signingSecret: 'env:SIGNING' },
        email: { url: 'https://relay.example/', secret: 'env:RELAY' },
      },
    }
    const env = { HOOK: 'h', ANNA: 'a', SLACK: 'https://hooks.slack.com/services/x', SIGNING: 's', RELAY: 'r' }
    const resolved = await resolvePeople(sections(written), env)
    expect(resolved.people.map(({ id, addresses }) => [id, addresses])).toEqual([
      [
        'ops',
        [
          { channel: 'webhook', name: 'people.ops.webhook', url: OPS.webhook, secret: 'h' },
          { channel: 'email', name: 'people.ops.email', to: 'ops@example.com', url: 'https://relay.example/', secret: 'r' },
        ],
      ],
      ['anna', [{ channel: 'webhook', name: 'people.anna.webhook', url: 'https://anna.example/', secret: 'a' }]],
    ])
    expect(resolved.shared).toEqual([
      { channel: 'webhook', name: 'approvals.webhooks[0]', url: OPS.webhook, secret: 'h' },
      { channel: 'slack', name: 'approvals.slack', url: 'https://hooks.slack.com/services/x' },
    ])
    expect(resolved.slackSigningSecret).toBe('s')
  })

  it('Slack without a signing secret gets no buttons: nobody could check whose press it was', async () => {
    const { shared } = await resolvePeople(sections({ approvals: { slack: { webhook: 'https://hooks.slack.com/services/x' } } }), {})
    expect(shared).toEqual([{ channel: 'slack', name: 'approvals.slack', url: 'https://hooks.slack.com/services/x', buttons: false }])
  })

  it('mail without a relay has no URL, and a Slack secret that is no URL is refused without being quoted', async () => {
    const mail = await resolvePeople(sections({ people: [{ id: 'a', roles: [], email: 'a@example.com' }] }), {})
    expect(mail.people[0]?.addresses).toEqual([{ channel: 'email', name: 'people.a.email', to: 'a@example.com' }])
    const slack = sections({ approvals: { slack: { webhook: 'env:SLACK' } } })
    await expect(resolvePeople(slack, { SLACK: 'http://canary.example/' })).rejects.toThrow(
      'approvals.slack.webhook does not hold a URL that begins with https://.',
    )
  })

  it('says which webhooks nobody can verify, and where secrets stand', () => {
    const written = sections({ people: [OPS], approvals: { slack: { webhook: 'https://hooks.slack.com/x' } } })
    expect(unsignedHooks(written)).toEqual(['What goes to the webhook of ops is not signed. Write a webhookSecret beside it.'])
    expect(secretsOfPeople(written).flatMap(([path, ref]) => (ref ? [path] : []))).toEqual(['approvals.slack.webhook'])
  })
})
