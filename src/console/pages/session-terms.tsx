/** What a session may do, in words. */
import { href } from '../address.ts'
import { When } from '../components/time.tsx'
import { money, when } from '../format.ts'
import { Fact, Facts } from './parts.tsx'
import type { SessionView } from './shapes.ts'

export function SessionTerms({ session }: { readonly session: SessionView }) {
  const {
    id,
    purpose,
    agent,
    owner,
    parent,
    singleUse,
    payments,
    createdAt,
    expiresAt,
    networks,
    assets,
    wallet,
    outerCeiling,
    refill,
    refillsAt,
    currency,
  } = session
  return (
    <Facts>
      <Fact name="Session">
        <span class="mono">{id}</span>
      </Fact>
      <Fact name="Purpose">
        <bdi>{purpose}</bdi>
      </Fact>
      <Fact name="Agent">
        <bdi>{agent}</bdi>
      </Fact>
      <Fact name="Owner">{owner}</Fact>
      <Fact name="Below">
        {parent !== null && (
          <a class="mono" href={href(`/sessions/${encodeURIComponent(parent)}`)}>
            {parent}
          </a>
        )}
      </Fact>
      <Fact name="Opened">{when(createdAt)}</Fact>
      <Fact name="Ends">
        {when(expiresAt)} (<When at={expiresAt} />)
      </Fact>
      <Fact name="Payments">{String(payments)}</Fact>
      <Fact name="One payment only">{singleUse && 'yes'}</Fact>
      <Fact name="Refill">{refill && `${money(refill.amount, currency)} every ${refill.every}, up to ${money(refill.max, currency)}`}</Fact>
      <Fact name="Next refill">{refillsAt !== null && when(refillsAt)}</Fact>
      <Limits of={session} />
      <Scope of={session.scope} />
      <Fact name="Networks">{networks.join(', ') || 'none'}</Fact>
      <Fact name="Tokens">{assets.join(', ') || 'none'}</Fact>
      <Fact name="Wallet">
        {wallet.name ?? 'the default one'} {wallet.address !== null && <span class="mono">{wallet.address}</span>}
      </Fact>
      {wallet.balance?.map(({ network, asset, amount, free }) => (
        <Fact key={`${network} ${asset}`} name={`Wallet’s ${asset}`}>
          {amount}, of which {free} is free ({network})
        </Fact>
      ))}
      <Fact name="Outer ceiling">{outerCeiling?.warning}</Fact>
      {Object.entries(session.labels).map(([name, value]) => (
        <Fact key={name} name={`Label ${name}`}>
          <bdi>{value}</bdi>
        </Fact>
      ))}
    </Facts>
  )
}

function Limits({ of: { limits, currency } }: { readonly of: SessionView }) {
  const each = (name: string, bounds: Readonly<Record<string, string>> | undefined) =>
    bounds && (
      <Fact name={name}>
        {Object.entries(bounds)
          .map(([key, bound]) => `${key === '*' ? 'any other' : key}: ${money(bound, currency)}`)
          .join(', ') || 'none allowed'}
      </Fact>
    )
  const { perPayment, payments, perWindow, perTask } = limits
  return (
    <>
      <Fact name="Each payment">{perPayment !== undefined && `${money(perPayment, currency)} at most`}</Fact>
      <Fact name="Payments allowed">{payments !== undefined && String(payments)}</Fact>
      {each('By recipient', limits.perRecipient)}
      {each('By category', limits.perCategory)}
      {each('By tool', limits.perTool)}
      {each('By user', limits.perUser)}
      <Fact name="In a while">{perWindow?.map(({ max, per }) => `${money(max, currency)} per ${per}`).join(', ')}</Fact>
      <Fact name="In a task">{perTask && perTaskWords(perTask)}</Fact>
    </>
  )
}

function perTaskWords({ payments, requests }: NonNullable<SessionView['limits']['perTask']>): string {
  return [payments !== undefined && `${payments} payments`, requests !== undefined && `${requests} requests`].filter(Boolean).join(', ')
}

function Scope({ of: { hosts, methods, paths, categories, tools, enforce, onDrift } }: { readonly of: SessionView['scope'] }) {
  const list = (name: string, names: readonly string[] | undefined) => names && <Fact name={name}>{names.join(', ') || 'none'}</Fact>
  return (
    <>
      {list('Hosts', hosts)}
      {list('Methods', methods)}
      {list('Paths', paths)}
      {list('Categories', categories)}
      {list('Tools', tools)}
      <Fact name="Scope judges">{enforce && (enforce === 'all' ? 'every request' : 'payments')}</Fact>
      <Fact name="On drift">{onDrift}</Fact>
    </>
  )
}
