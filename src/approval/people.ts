/** Who is told, in which order: addresses of one person after each other, then the next person. Pure. */
import { hearsOf } from '../event-types.ts'
import type { Alert } from './alert.ts'
import type { Approval, Notice } from './approval.ts'

export type PersonRole = 'owner' | 'approver' | 'operator' | 'auditor'

/** Where a notice can go. `name` is what records call it; URL and secret stay here. */
export interface Address {
  readonly channel: Notice['channel']
  /** Where it stands in the configuration, e.g. `people.ops.webhook`. */
  readonly name: string
  /** Absent for e-mail that nobody sends for us: such notices wait to be fetched. */
  readonly url?: string
  /** Signs what goes there; `whsec_…` or any text. */
  readonly secret?: string
  /** The mailbox, for e-mail. */
  readonly to?: string
  /** False: nobody could check whose press of a button it was, so messages have none. */
  readonly buttons?: false
  /** What it hears of; absent: all that concerns people. A person's own address hears whatever concerns them. */
  readonly events?: readonly string[]
}

export interface Person {
  readonly id: string
  readonly roles: readonly PersonRole[]
  /** Their user id at Slack. */
  readonly slack?: string
  /** In the order in which they are tried. */
  readonly addresses: readonly Address[]
}

export interface Contacts {
  readonly people: readonly Person[]
  /** Nobody's in particular: told at once of everything that they want to hear. */
  readonly shared: readonly Address[]
}

/** One address of one person; `person` is empty for what is nobody's in particular. */
export interface Rung {
  readonly person: string
  readonly address: Address
}

/** Whether this person may say yes or no to what was asked. Nobody approves for themselves. */
export function mayDecide({ people }: Contacts, person: string, asked: Pick<Approval, 'agent' | 'requester'>): boolean {
  return people.some(({ id, roles }) => id === person && roles.includes('approver') && !isAskerOf(asked, id))
}

function isAskerOf({ agent, requester }: Pick<Approval, 'agent' | 'requester'>, id: string): boolean {
  return id === agent || id === requester
}

/** The person with this user id at Slack. */
export function slackPerson({ people }: Contacts, user: string): Person | undefined {
  return people.find(({ slack }) => slack === user)
}

/**
 * Everyone who may hear of an approval, first to last: the session's owner, the approvers, the owners of the budgets
 * above. Where none of them has an address, all who own something.
 * @param budgetOwners from the session's parent upwards
 */
export function hearers(
  contacts: Contacts,
  {
    shown,
    budgetOwners,
    ...asked
  }: Pick<Approval, 'agent' | 'requester'> & { readonly shown: { readonly owner: string }; readonly budgetOwners: readonly string[] },
): readonly Person[] {
  const reachable = contacts.people.filter(({ id, addresses }) => !isAskerOf(asked, id) && addresses.length > 0)
  const named = (id: string) => reachable.filter((person) => person.id === id)
  const order = [
    ...named(shown.owner),
    ...reachable.filter(({ roles }) => roles.includes('approver')),
    ...budgetOwners.flatMap(named),
    ...reachable.filter(({ roles }) => roles.includes('owner')),
  ]
  return [...new Set(order)]
}

/** Who hears that something happened: the session's owner first, then every owner, then whoever approves. */
export function owners(contacts: Contacts, owner: string): readonly Person[] {
  const reachable = contacts.people.filter(({ addresses }) => addresses.length > 0)
  const order = [
    ...reachable.filter(({ id }) => id === owner),
    ...reachable.filter(({ roles }) => roles.includes('owner')),
    ...reachable.filter(({ roles }) => roles.includes('approver')),
  ]
  return [...new Set(order)]
}

/** Where an alert goes: every address of whoever owns, and the shared ones that hear of it. */
export function alertRungs(contacts: Contacts, { type, to, owner }: Pick<Alert, 'type' | 'to' | 'owner'>): readonly Rung[] {
  const told = to === 'shared' ? [] : owners(contacts, owner)
  const rungs = told.flatMap(({ id, addresses }) => addresses.map((address) => ({ person: id, address })))
  return withShared(contacts, rungs, type)
}

/**
 * Who is told first: people in their order, each at their first address, until `approvers` of them can decide; at least
 * one. Then every shared address that hears of this type.
 */
export function firstRungs(
  contacts: Contacts,
  people: readonly Person[],
  { approvers, type }: { readonly approvers: number; readonly type: string },
): readonly Rung[] {
  const first: Rung[] = []
  let deciders = 0
  for (const person of people) {
    if (first.length > 0 && deciders >= approvers) break
    const [address] = person.addresses
    if (!address) continue
    first.push({ person: person.id, address })
    if (person.roles.includes('approver')) deciders += 1
  }
  return withShared(contacts, first, type)
}

/** With every shared address that hears of this type; where a person is told at the same place, once is enough. */
export function withShared({ shared }: Contacts, rungs: readonly Rung[], type: string): readonly Rung[] {
  const urls = new Set(rungs.map(({ address }) => address.url))
  const others = shared.filter(({ url, events }) => !urls.has(url) && hearsOf(events, type))
  return [...rungs, ...others.map((address) => ({ person: '', address }))]
}

/**
 * Where to go after an attempt at `failed` did not get through: the next address of the same person, then the next
 * person; undefined where everybody was told already. Where nobody failed, and nobody answers, it is the next person.
 */
export function nextRung(
  people: readonly Person[],
  failed: Pick<Notice, 'person'> | undefined,
  told: readonly Pick<Notice, 'person' | 'target'>[],
): Rung | undefined {
  const isTold = (person: string, name: string) => told.some((notice) => notice.person === person && notice.target === name)
  const same = people.filter(({ id }) => id === failed?.person)
  const fresh = people.filter(({ id }) => told.every((notice) => notice.person !== id))
  for (const { id, addresses } of [...same, ...fresh]) {
    const address = addresses.find(({ name }) => !isTold(id, name))
    if (address) return { person: id, address }
  }
  return undefined
}

/** Every address by the name that records call it. */
export function addressNamed({ people, shared }: Contacts, name: string): Address | undefined {
  return [...people.flatMap(({ addresses }) => addresses), ...shared].find((address) => address.name === name)
}
