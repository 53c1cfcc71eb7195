/** The sections of people: who they are, how they are reached, how long a request waits for them. */
import { z } from 'zod'
import { EVENT_PATTERNS } from '../event-types.ts'
import { MAX_HOLD_MS } from '../limits.ts'
import { MIN_ESCALATION_MS } from '../people-limits.ts'
import { oneOf } from '../policy/tiers.ts'
import { duration, listOf, name, section, wanted } from '../session/values.ts'
import type { Config } from './config.ts'
import type { Environment } from './environment.ts'
import { hookUrl, secret, webUrl } from './places.ts'
import { resolveSecret, SecretError, type SecretRef } from './secrets.ts'

export interface PersonConfig {
  readonly id: string
  readonly roles: readonly ('owner' | 'approver' | 'operator' | 'auditor')[]
  readonly webhook?: string
  /** Signs what goes to `webhook`; without it the secret of the same URL under `approvals.webhooks`, if it stands there. */
  readonly webhookSecret?: SecretRef
  readonly email?: string
  /** User id at Slack: whose press of a button this person's is. */
  readonly slack?: string
}

export interface ApprovalsConfig {
  readonly hold_ms: number
  readonly vetoHold_ms: number
  /** How long whoever was asked has alone, at the longest; then one more person is. */
  readonly escalateAfter_ms: number
  /** `events`: what it hears of; absent: all that concerns people. */
  readonly webhooks: readonly { readonly url: string; readonly secret: SecretRef; readonly events?: readonly string[] }[]
  /** `webhook` is the URL of an incoming webhook, which is a secret. Without `signingSecret` messages have no buttons. */
  readonly slack?: { readonly webhook: SecretRef; readonly signingSecret?: SecretRef; readonly events?: readonly string[] }
  /** A relay that sends letters. Without it they wait to be fetched from the admin API. */
  readonly email?: { readonly url: string; readonly secret: SecretRef }
  /** Where people reach the admin listener; links in notices begin with it. Its own address unless given. */
  readonly pageUrl?: string
}

const email = z
  .string({ error: wanted('write an address like ops@example.com') })
  .max(254, { error: 'at most 254 characters' })
  .regex(/^[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@[A-Za-z0-9.-]+$/, { error: 'write an address like ops@example.com' })

const slackUser = z
  .string({ error: wanted('write a user id of Slack like U012AB3CD') })
  .regex(/^[UW][A-Z0-9]{2,30}$/, { error: 'write a user id of Slack like U012AB3CD' })

/** @param folder the folder that relative paths start from */
export function peopleSchema(folder: string) {
  const person = section({
    id: name,
    roles: listOf(oneOf('owner', 'approver', 'operator', 'auditor')),
    webhook: hookUrl.exactOptional(),
    webhookSecret: secret(folder).exactOptional(),
    email: email.exactOptional(),
    slack: slackUser.exactOptional(),
  }).refine(({ webhook, webhookSecret }) => webhook !== undefined || webhookSecret === undefined, {
    path: ['webhookSecret'],
    error: 'signs what goes to a webhook: write that too',
  })
  return listOf(person).superRefine((people, context) => {
    for (const key of ['id', 'slack'] as const) {
      const values = people.map((each) => each[key])
      for (const [at, value] of values.entries()) {
        if (value === undefined || values.indexOf(value) === at) continue
        context.addIssue({ code: 'custom', path: [at, key], message: `${value} is listed twice` })
      }
    }
  })
}

const holdTime = duration.refine((value_ms) => value_ms <= MAX_HOLD_MS, {
  error: `at most ${MAX_HOLD_MS / 60_000}m: a request cannot wait longer`,
})

const events = listOf(oneOf(...EVENT_PATTERNS)).exactOptional()

export function approvalsSchema(folder: string) {
  return section({
    hold: holdTime.prefault('30s'),
    vetoHold: holdTime.prefault('60s'),
    escalateAfter: duration
      .refine((value_ms) => value_ms >= MIN_ESCALATION_MS, { error: `at least ${MIN_ESCALATION_MS / 1000}s` })
      .prefault('15m'),
    webhooks: listOf(section({ url: hookUrl, secret: secret(folder), events })).default([]),
    slack: section({ webhook: secret(folder), signingSecret: secret(folder).exactOptional(), events }).exactOptional(),
    email: section({ url: hookUrl, secret: secret(folder) }).exactOptional(),
    pageUrl: webUrl.exactOptional(),
  }).transform(
    ({ hold, vetoHold, escalateAfter, ...rest }): ApprovalsConfig => ({
      ...{ hold_ms: hold, vetoHold_ms: vetoHold, escalateAfter_ms: escalateAfter },
      ...rest,
    }),
  )
}

interface ResolvedAddress {
  readonly channel: 'webhook' | 'slack' | 'email'
  readonly name: string
  readonly url?: string
  readonly secret?: string
  readonly to?: string
  readonly buttons?: false
  readonly events?: readonly string[]
}

interface ResolvedPeople {
  readonly people: readonly (Pick<PersonConfig, 'id' | 'roles' | 'slack'> & { readonly addresses: readonly ResolvedAddress[] })[]
  readonly shared: readonly ResolvedAddress[]
  /** Checks what Slack sends back. */
  readonly slackSigningSecret: string | undefined
}

/**
 * People with their addresses, webhook before e-mail, and what is nobody's in particular.
 * @throws SecretError
 */
export async function resolvePeople(
  { people, approvals }: Pick<Config, 'people' | 'approvals'>,
  env: Environment,
): Promise<ResolvedPeople> {
  const hooks = await Promise.all(approvals.webhooks.map(async (hook) => ({ ...hook, secret: await resolveSecret(hook.secret, env) })))
  const relay = approvals.email && { url: approvals.email.url, secret: await resolveSecret(approvals.email.secret, env) }
  const shared = hooks.map((hook, at): ResolvedAddress => ({ channel: 'webhook', name: `approvals.webhooks[${at}]`, ...hook }))
  const slack = await slackAddress(approvals, env)
  return {
    people: await Promise.all(people.map(async (person) => ({ ...person, addresses: await addressesOf(person, { hooks, relay, env }) }))),
    shared: [...shared, ...(slack ? [slack] : [])],
    slackSigningSecret: approvals.slack?.signingSecret && (await resolveSecret(approvals.slack.signingSecret, env)),
  }
}

interface Means {
  readonly hooks: readonly { readonly url: string; readonly secret: string }[]
  readonly relay: { readonly url: string; readonly secret: string } | undefined
  readonly env: Environment
}

async function addressesOf(
  { id, webhook, webhookSecret, email: to }: PersonConfig,
  { hooks, relay, env }: Means,
): Promise<ResolvedAddress[]> {
  const key = webhookSecret ? await resolveSecret(webhookSecret, env) : hooks.find(({ url }) => url === webhook)?.secret
  const hook =
    webhook === undefined
      ? []
      : [{ channel: 'webhook' as const, name: `people.${id}.webhook`, url: webhook, ...(key !== undefined && { secret: key }) }]
  const letter = to === undefined ? [] : [{ channel: 'email' as const, name: `people.${id}.email`, to, ...relay }]
  return [...hook, ...letter]
}

async function slackAddress({ slack }: ApprovalsConfig, env: Environment): Promise<ResolvedAddress | undefined> {
  if (!slack) return undefined
  const url = await resolveSecret(slack.webhook, env)
  if (!hookUrl.safeParse(url).success) throw new SecretError('approvals.slack.webhook does not hold a URL that begins with https://.')
  const { signingSecret, events: named } = slack
  return { channel: 'slack', name: 'approvals.slack', url, ...(!signingSecret && { buttons: false }), ...(named && { events: named }) }
}

/** What a receiver cannot check, for the operator. */
export function unsignedHooks({ people, approvals }: Pick<Config, 'people' | 'approvals'>): string[] {
  const signed = new Set(approvals.webhooks.map(({ url }) => url))
  const unsigned = people.filter(({ webhook, webhookSecret }) => webhook !== undefined && !webhookSecret && !signed.has(webhook))
  return unsigned.map(({ id }) => `What goes to the webhook of ${id} is not signed. Write a webhookSecret beside it.`)
}

/** The secrets of these sections by their paths. */
export function secretsOfPeople({ people, approvals }: Pick<Config, 'people' | 'approvals'>): [path: string, ref: SecretRef | undefined][] {
  return [
    ...people.map(({ webhookSecret }, at): [string, SecretRef | undefined] => [`people[${at}].webhookSecret`, webhookSecret]),
    ...approvals.webhooks.map(({ secret: ref }, at): [string, SecretRef] => [`approvals.webhooks[${at}].secret`, ref]),
    ['approvals.slack.webhook', approvals.slack?.webhook],
    ['approvals.slack.signingSecret', approvals.slack?.signingSecret],
    ['approvals.email.secret', approvals.email?.secret],
  ]
}
