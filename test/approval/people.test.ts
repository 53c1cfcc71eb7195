import { describe, expect, it } from 'vitest'
import type { Notice } from '../../src/approval/approval.ts'
import {
  addressNamed,
  alertRungs,
  type Contacts,
  firstRungs,
  hearers,
  mayDecide,
  nextRung,
  owners,
  type Person,
  slackPerson,
} from '../../src/approval/people.ts'
import { anApproval } from './approvals-at-hand.ts'

const hook = (id: string) => ({ channel: 'webhook' as const, name: `people.${id}.webhook`, url: `https://${id}.example/` })
const mail = (id: string) => ({
  channel: 'email' as const,
  name: `people.${id}.email`,
  url: 'https://relay.example/',
  to: `${id}@example.com`,
})
const person = (id: string, roles: Person['roles'], more: Partial<Person> = {}): Person => ({
  id,
  roles,
  addresses: [hook(id), mail(id)],
  ...more,
})

const ASKED = { approvers: 1, type: 'approval.requested' }
const TEAM = { channel: 'slack' as const, name: 'approvals.slack', url: 'https://hooks.slack.com/x' }
const CONTACTS: Contacts = {
  people: [
    person('olga', ['owner']),
    person('anna', ['approver'], { slack: 'U1' }),
    person('ben', ['approver']),
    person('carl', ['owner', 'approver']),
    person('audit', ['auditor']),
    person('silent', ['approver'], { addresses: [] }),
  ],
  shared: [TEAM],
}
const asked = (budgetOwners: string[] = []) => ({ ...anApproval(), budgetOwners })
const ids = (people: readonly Person[]) => people.map(({ id }) => id)
const names = (rungs: readonly { person: string; address: { name: string } }[]) => rungs.map(({ address }) => address.name)
const told = (id: string, target: string): Pick<Notice, 'person' | 'target'> => ({ person: id, target })

describe('people', () => {
  it('the session’s owner hears first, then approvers, then the owners of the budgets above, then other owners', () => {
    expect(ids(hearers(CONTACTS, asked(['audit'])))).toEqual(['olga', 'anna', 'ben', 'carl', 'audit'])
    expect(ids(hearers(CONTACTS, { ...asked(), shown: { owner: 'nobody' } }))).toEqual(['anna', 'ben', 'carl', 'olga'])
  })

  it('a shared address that names events hears of these only, one that names none of all but the books', () => {
    const books = { ...TEAM, name: 'books', url: 'https://books.example/', events: ['payment.settled'] }
    const contacts: Contacts = { people: [person('olga', ['owner'])], shared: [TEAM, books] }
    const alerted = (type: string, to?: 'shared') => names(alertRungs(contacts, { type, owner: 'olga', ...(to && { to }) }))
    expect(names(firstRungs(contacts, [], ASKED))).toEqual(['approvals.slack'])
    expect(alerted('payment.settled', 'shared')).toEqual(['books'])
    expect(alerted('session.threshold')).toEqual(['people.olga.webhook', 'people.olga.email', 'approvals.slack'])
  })

  it('the one who asks is never asked', () => {
    expect(ids(hearers(CONTACTS, { ...asked(), agent: 'anna' }))).not.toContain('anna')
    expect(ids(hearers(CONTACTS, { ...asked(), requester: 'anna' }))).not.toContain('anna')
    expect(mayDecide(CONTACTS, 'anna', { agent: 'procurement', requester: 'anna' })).toBe(false)
    expect(mayDecide(CONTACTS, 'anna', { agent: 'anna' })).toBe(false)
  })

  it('only approvers decide; owners and unknown people do not', () => {
    const decides = (id: string) => mayDecide(CONTACTS, id, { agent: 'procurement' })
    expect(['olga', 'anna', 'carl', 'audit', 'nobody', ''].filter(decides)).toEqual(['anna', 'carl'])
  })

  it('a Slack user is the person who has that id and nobody else', () => {
    expect(slackPerson(CONTACTS, 'U1')?.id).toBe('anna')
    expect(slackPerson(CONTACTS, 'U2')).toBeUndefined()
  })

  it('people are told until enough of them can decide, and shared addresses at once', () => {
    const everyone = hearers(CONTACTS, asked())
    expect(names(firstRungs(CONTACTS, everyone, ASKED))).toEqual(['people.olga.webhook', 'people.anna.webhook', 'approvals.slack'])
    expect(names(firstRungs(CONTACTS, everyone, { ...ASKED, approvers: 2 }))).toEqual([
      'people.olga.webhook',
      'people.anna.webhook',
      'people.ben.webhook',
      'approvals.slack',
    ])
    expect(names(firstRungs(CONTACTS, [], ASKED))).toEqual(['approvals.slack'])
  })

  it('a shared address that is a person’s too is told once', () => {
    const contacts = { ...CONTACTS, shared: [{ ...hook('olga'), name: 'approvals.webhooks[0]' }] }
    expect(names(firstRungs(contacts, hearers(contacts, asked()), ASKED))).toEqual(['people.olga.webhook', 'people.anna.webhook'])
  })

  it('what is not delivered goes on to the next channel of the same person, then to the next person, until all were told', () => {
    const everyone = hearers(CONTACTS, asked())
    const sofar = [told('olga', 'people.olga.webhook'), told('anna', 'people.anna.webhook')]
    const ladder: string[] = []
    for (let failed = told('olga', 'people.olga.webhook'); ; ) {
      const next = nextRung(everyone, failed, sofar)
      if (!next) break
      ladder.push(next.address.name)
      failed = told(next.person, next.address.name)
      sofar.push(failed)
    }
    expect(ladder).toEqual(['people.olga.email', 'people.ben.webhook', 'people.ben.email', 'people.carl.webhook', 'people.carl.email'])
    expect(nextRung(everyone, told('anna', 'people.anna.webhook'), sofar)?.address.name).toBe('people.anna.email')
  })

  it('an alert goes to the session’s owner, then to owners, then to approvers', () => {
    expect(ids(owners(CONTACTS, 'olga'))).toEqual(['olga', 'carl', 'anna', 'ben'])
    expect(ids(owners(CONTACTS, 'nobody'))).toEqual(['olga', 'carl', 'anna', 'ben'])
  })

  it('an address is found by the name that records call it', () => {
    expect(addressNamed(CONTACTS, 'people.ben.email')).toEqual(mail('ben'))
    expect(addressNamed(CONTACTS, 'approvals.slack')).toBe(TEAM)
    expect(addressNamed(CONTACTS, 'people.gone.email')).toBeUndefined()
  })
})
